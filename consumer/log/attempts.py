"""An attempt's record, as far as health needs it."""

from typing import Final

from consumer.kafka.attempt_decoding import decode_head
from consumer.log.health import Sent
from consumer.wire import RecordCorrupt

_LAST_MS: Final = 253_402_300_799_999


def sent_of(value: bytes) -> Sent:
    """What the attempts topic holds.

    Raises:
        RecordCorrupt: it is no attempt.
    """
    head = decode_head(value)
    if not (0 <= head.at_ms <= head.at_ms + head.elapsed_ms <= _LAST_MS):  # nor is it where one is not a number
        raise RecordCorrupt("its time lies outside of 1970 to 9999")
    return Sent(
        at_ms=head.at_ms,
        url=head.url,
        status=head.status,
        failure=head.failure,
        elapsed_ms=head.elapsed_ms,
        outcome=head.outcome,
        trigger=head.trigger,
    )
