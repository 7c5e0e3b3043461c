"""The role `retry`: the delay topics, each record held until it is due, then one more attempt; and the ordered topic.

A pool of its own, so that slow endpoints wear out here: it waits where `deliver` would spill.
"""

import threading

from consumer.delivery.hold import Delayed
from consumer.delivery.lane import Patience
from consumer.events.event import Poison, Record, Tombstone
from consumer.events.reasons import PoisonReason
from consumer.kafka.membership import GATHERED
from consumer.kafka.records import decode_delayed, decode_ordered
from consumer.kafka.selection import Selection
from consumer.kafka.topic_specs import Topics
from consumer.roles.pool import Pool, run
from consumer.roles.role import Role
from consumer.settings import Settings
from consumer.wire import RecordCorrupt

_PATIENCE = Patience(wait_ms=10_000, slow_ms=None)
_LOOK_EVERY_S = 0.005  # it always has some hanging requests, and its records were delayed for longer


def main(settings: Settings, stop: threading.Event, slot: int) -> None:
    """Retry deliveries until `stop` is set. Raises as `pool.run` does."""
    topics = Topics.of(settings)

    def read(record: Record) -> Delayed | Poison | Tombstone:
        if record.value is None:
            return Tombstone()  # somebody asked for the broker's time
        try:
            if record.topic == topics.ordered:
                return decode_ordered(record.key, record.value)
            return decode_delayed(record.value, topics.tier_of(record.topic))
        except RecordCorrupt as error:
            return Poison(reason=PoisonReason.UNDECODABLE, detail=str(error))

    pool = Pool(
        role=Role.RETRY,
        topics=Selection(names=(*topics.retry_topics, topics.ordered)),
        patience=_PATIENCE,
        look_every_s=_LOOK_EVERY_S,
        fetch=GATHERED,
        decode=read,
    )
    run(settings, pool, stop, slot)
