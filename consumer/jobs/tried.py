"""What a webhook's attempts tell of its events. Pure.

The laws:
- an event is accepted when any attempt of it was, whatever asked for that: a replay counts, a test does not;
- an attempt that was made at once for somebody, and not accepted, changes nothing;
- a delivery is to be tried again when its latest attempt says so. One that was logged before what waits was looked at,
  and does not wait, comes no more: its place is left only when the next one is written. One that was logged later was
  on its way: it is to come, and over due a minute after its time.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from consumer.delivery.delivery import Trigger, is_delivery_id, is_now
from consumer.jobs.missed import MOST, Name, Seen
from consumer.jobs.names import Names, check, hashed
from consumer.kafka.attempt_decoding import EventPlace, Head
from consumer.setting_values import duration_ms

OVERDUE_AFTER_MS: Final = 60_000
JITTER_SHARE: Final = 10
"""A tenth of a delay may be added to it (`delivery/schedule.py`)."""

_DELIVERED: Final = "delivered"
_RETRY: Final = "retry"


class _Open(NamedTuple):
    """A delivery that is to be tried again: its event, and when."""

    event: bytes
    due_ms: int


class Tried:
    """The attempts of one webhook, folded. `asked_for` says whether a job looks at the event of this place.

    `waiting` are the names, hashed, of what waits; `looked_at` is where each partition of the attempts ended before
    that was looked at.
    """

    def __init__(
        self,
        *,
        waiting: AbstractSet[bytes],
        asked_for: Callable[[EventPlace], bool],
        looked_at: Mapping[int, int],
        most: int = MOST,
    ) -> None:
        self._waiting = waiting
        self._asked_for = asked_for
        self._looked_at = looked_at
        self._most = most
        self._accepted: set[bytes] = set()
        self._open: dict[bytes, _Open] = {}

    def take(self, head: Head, place: EventPlace, *, partition: int, offset: int) -> None:
        """The next attempt of its partition.

        Raises:
            TooMany: see `names.check`.
        """
        if head.trigger == Trigger.TEST or not place.topic or not is_delivery_id(head.delivery_id):
            return
        if not self._asked_for(place) or (head.outcome != _DELIVERED and is_now(head.trigger, head.job_id)):
            return
        delivery = bytes.fromhex(head.delivery_id)
        self._open.pop(delivery, None)
        if head.outcome == _DELIVERED:
            self._accepted.add(_name(head, place))
        elif head.outcome == _RETRY and offset >= self._looked_at.get(partition, 0):
            self._open[delivery] = _Open(_name(head, place), _due_ms(head))
        check(len(self._accepted) + len(self._open) + len(self._waiting), self._most)

    def seen(self, now_ms: int) -> Seen:
        """What is known now, when all was read."""
        late_ms = now_ms - OVERDUE_AFTER_MS
        to_come = {each.event for each in self._open.values() if each.due_ms >= late_ms}
        overdue = {each.event for each in self._open.values() if each.due_ms < late_ms}
        return Seen(
            accepted=Names(self._accepted),
            waiting=Names(self._waiting),
            to_come=Names(to_come),
            overdue=Names(overdue),
        )


def _name(head: Head, place: EventPlace) -> bytes:
    return hashed(Name(place.topic, place.partition, place.offset, head.event_id))


def _due_ms(head: Head) -> int:
    """When the next attempt is made at the latest, were nothing in its way. The delay is written as in the settings."""
    try:
        delay_ms = duration_ms(head.next_tier or "")
    except ValueError:
        delay_ms = 0
    return head.at_ms + int(head.elapsed_ms) + delay_ms + delay_ms // JITTER_SHARE
