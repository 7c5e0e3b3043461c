"""The role `deliver`: events in, first attempts out.

It is impatient: what would wait for its endpoint is spilled to the delay topics, where the role `retry` has the time.
"""

import threading
from dataclasses import replace

from consumer.data_keys.keys import TenantKeys
from consumer.delivery.lane import Patience
from consumer.events.decode import decode
from consumer.events.event import Decoded, Record
from consumer.events.rules import EventRules
from consumer.events.schema import SchemaAnswer, Schemas
from consumer.http.engine import reading
from consumer.kafka.membership import AT_ONCE
from consumer.kafka.selection import wanted_topics
from consumer.roles.pool import Pool, run
from consumer.roles.role import Role
from consumer.settings import Settings

_LOOK_EVERY_S = 0.001


def main(settings: Settings, stop: threading.Event, slot: int) -> None:
    """Deliver events until `stop` is set. Raises as `pool.run` does."""
    topics = wanted_topics(settings)
    known_schemas: dict[int, SchemaAnswer] = {}
    schemas, rules = Schemas(known=known_schemas), replace(EventRules.of(settings), usual=reading(settings))

    def read(record: Record) -> Decoded:
        return decode(record, schemas, rules)

    pool = Pool(
        role=Role.DELIVER,
        topics=topics,
        patience=Patience(),
        look_every_s=_LOOK_EVERY_S,
        fetch=AT_ONCE,
        decode=read,
        known_schemas=known_schemas,
        keys=TenantKeys(settings) if settings.tenant_keys == "on" else None,
    )
    run(settings, pool, stop, slot)
