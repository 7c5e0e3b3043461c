"""The role `deliver`: events in, first attempts out.

It is impatient: what would wait for its endpoint is spilled to the delay topics, where the role `retry` has the time.
"""

import threading
from collections.abc import Sequence

from consumer.delivery.core import Core
from consumer.delivery.lane import Patience
from consumer.events.event import Record
from consumer.roles.pool import Pool, run
from consumer.roles.role import Role
from consumer.roles.worker import Intake
from consumer.settings import ConfigurationError, Settings


def main(settings: Settings, stop: threading.Event, slot: int) -> None:
    """Deliver events until `stop` is set. Raises as `pool.run` does."""
    if not settings.event_topics:
        raise ConfigurationError(
            "HOOKLINE_EVENT_TOPICS", "name the topics that hold your events, as in orders,^crm\\..*"
        )
    pool = Pool(role=Role.DELIVER, topics=settings.event_topics, patience=Patience(), intake=_intake)
    run(settings, pool, stop, slot)


def _intake(core: Core) -> Intake:
    def take(now_ms: int, records: Sequence[Record]) -> None:
        core.records(now_ms, records)

    return take
