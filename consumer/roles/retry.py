"""The role `retry`: the delay topics, each record held until it is due, then one more attempt; and the ordered topic.

A pool of its own, so that slow endpoints wear out here: it waits where `deliver` would spill.
"""

import threading
from collections.abc import Callable

from consumer.data_keys.keys import TenantKeys
from consumer.delivery.hold import Delayed, Erased, Newer
from consumer.delivery.lane import Patience
from consumer.events.event import Poison, Record, Tombstone
from consumer.events.reasons import PoisonReason
from consumer.kafka.membership import GATHERED
from consumer.kafka.newer import NewerRecord, is_newer
from consumer.kafka.records import decode_delayed, decode_ordered
from consumer.kafka.sealed import KeyDestroyed, is_sealed
from consumer.kafka.selection import Selection
from consumer.kafka.topic_specs import Topics
from consumer.roles.pool import Pool, run
from consumer.roles.role import Role
from consumer.settings import Settings
from consumer.wire import RecordCorrupt

_PATIENCE = Patience(wait_ms=10_000, slow_ms=None)
_LOOK_EVERY_S = 0.005  # it always has some hanging requests, and its records were delayed for longer


def main(settings: Settings, stop: threading.Event, slot: int) -> None:
    """Retry deliveries until `stop` is set.

    Raises:
        NewerRecord: a newer Hookline has written what this one cannot read; what was under way has drained.
        Exception: as `pool.run` does.
    """
    topics = Topics.of(settings)
    until, keys = Until(stop), TenantKeys(settings)
    pool = Pool(
        role=Role.RETRY,
        topics=Selection(names=(*topics.retry_topics, topics.ordered)),
        patience=_PATIENCE,
        look_every_s=_LOOK_EVERY_S,
        fetch=GATHERED,
        decode=reading(topics, until, keys.opened_now),
        keys=keys,
    )
    run(settings, pool, until, slot)
    if until.before is not None:
        raise NewerRecord(until.before)


class Until(threading.Event):
    """Set when `stop` is, and from when a newer Hookline's record was met: then nothing more is begun."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop
        self.before: Record | None = None

    def is_set(self) -> bool:
        return self.before is not None or self._stop.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set() or self._stop.wait(timeout)


def reading(
    topics: Topics, until: Until, opened: Callable[[bytes], bytes]
) -> Callable[[Record], Delayed | Poison | Tombstone | Newer | Erased]:
    """What reads the role's records, and sets `until` at the first that it cannot read because it is newer.

    `opened` opens a sealed record whose key is settled (`gate.py`); it raises KeyDestroyed and RecordCorrupt.
    """

    def read(record: Record) -> Delayed | Poison | Tombstone | Newer | Erased:
        if until.before is not None or is_newer(record.value):
            until.before = until.before or record
            return Newer()  # and so is all that comes after it, or it would overtake it
        if record.value is None:
            return Tombstone()  # somebody asked for the broker's time
        try:
            value = opened(record.value) if is_sealed(record.value) else record.value
            if value is not record.value and is_newer(value):
                until.before = record
                return Newer()
            ordered = record.topic == topics.ordered
            return decode_ordered(record.key, value) if ordered else decode_delayed(value, topics.tier_of(record.topic))
        except KeyDestroyed:
            return Erased()
        except RecordCorrupt as error:
            return Poison(reason=PoisonReason.UNDECODABLE, detail=str(error))

    return read
