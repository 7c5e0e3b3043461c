"""An attempt's record, as far as its webhook's health and the index need it."""

from collections.abc import Mapping
from typing import Final

from consumer.kafka.attempt_decoding import Head, decode_head
from consumer.log.entry import Ended, Entry, Trigger, is_plain
from consumer.log.health import Sent
from consumer.log.index import Kind
from consumer.wire import RecordCorrupt

_LAST_MS: Final = 253_402_300_799_999
_ENDED: Final = {"delivered": Ended.DELIVERED, "retry": Ended.RETRY, "dead": Ended.DEAD}
_ID_DIGITS: Final = 32
_DIGITS: Final = frozenset("0123456789abcdef")
_TRIGGERS: Final = {each.name.lower(): each for each in Trigger}


def head_of(value: bytes) -> Head:
    """What the attempts topic holds.

    Raises:
        RecordCorrupt: it is no attempt.
    """
    head = decode_head(value)
    if not (0 <= head.at_ms <= head.at_ms + head.elapsed_ms <= _LAST_MS):  # nor is it where one is not a number
        raise RecordCorrupt("its time lies outside of 1970 to 9999")
    return head


def sent_of(head: Head, logged_ms: int) -> Sent:
    """What health, statistics and jobs need of it."""
    return Sent(
        at_ms=head.at_ms,
        logged_ms=logged_ms,
        url=head.url,
        status=head.status,
        failure=head.failure,
        elapsed_ms=head.elapsed_ms,
        outcome=head.outcome,
        number=head.number,
        trigger=head.trigger,
        job_id=head.job_id,
    )


def kind_of(head: Head) -> Kind:
    """Which list of its webhook it belongs to, told without an entry of it."""
    plain = is_plain(_ENDED.get(head.outcome), head.number, _TRIGGERS.get(head.trigger, Trigger.EVENT))
    return Kind.PLAIN if plain else Kind.EVENTFUL


def entry_of(head: Head, *, offset: int, logged_ms: int, tiers: Mapping[str, int]) -> Entry:
    """What the index keeps of it. `tiers` are the delay topics' numbers, by their delays.

    Raises:
        RecordCorrupt: its outcome is none that there is, or its delivery's id is no such id.
    """
    ended = _ENDED.get(head.outcome)
    if ended is None:
        raise RecordCorrupt("its outcome is unknown")
    if len(head.delivery_id) != _ID_DIGITS or not _DIGITS.issuperset(head.delivery_id):
        raise RecordCorrupt("its delivery's id is not 32 hex digits")
    return Entry(
        offset=offset,
        logged_ms=logged_ms,
        begun_ms=head.at_ms,
        first_ms=head.at_ms if head.number == 1 else head.first_attempt_ms,
        elapsed_ms=int(head.elapsed_ms),
        status=head.status,
        failure=head.failure or "",
        number=max(0, head.number),
        ended=ended,
        trigger=_TRIGGERS.get(head.trigger, Trigger.EVENT),
        truncated=head.response_truncated,
        tier=None if head.next_tier is None else tiers.get(head.next_tier),
        reason=head.reason or "",
        delivery=head.delivery_id,
        event_type=head.event_type,
        event_id=head.event_id,
        job_id=head.job_id or "",
    )
