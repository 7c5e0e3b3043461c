"""The role `retry`: the delay topics, each record held until it is due, then one more attempt.

A pool of its own, so that slow endpoints wear out here: it waits where `deliver` would spill.
"""

import threading
from collections.abc import Sequence

from consumer.delivery.core import Core
from consumer.delivery.hold import Delayed
from consumer.delivery.lane import Patience
from consumer.events.event import Poison, Record
from consumer.kafka.records import decode_delayed
from consumer.kafka.topic_specs import Topics
from consumer.kafka.wire import RecordCorrupt
from consumer.roles.pool import Pool, run
from consumer.roles.role import Role
from consumer.roles.worker import Intake
from consumer.settings import Settings

_PATIENCE = Patience(wait_ms=10_000, slow_ms=None)


def main(settings: Settings, stop: threading.Event, slot: int) -> None:
    """Retry deliveries until `stop` is set. Raises as `pool.run` does."""
    topics = Topics.of(settings)

    def intake(core: Core) -> Intake:
        def take(now_ms: int, records: Sequence[Record]) -> None:
            del now_ms  # due by the broker's clock
            core.delayed([(record, _read(record, topics.tier_of(record.topic))) for record in records])

        return take

    run(settings, Pool(role=Role.RETRY, topics=topics.retry_topics, patience=_PATIENCE, intake=intake), stop, slot)


def _read(record: Record, tier: int) -> Delayed | Poison:
    if record.value is None:
        return Poison(reason="undecodable", detail="a delay topic holds no tombstones")
    try:
        return decode_delayed(record.value, tier)
    except RecordCorrupt as error:
        return Poison(reason="undecodable", detail=str(error))
