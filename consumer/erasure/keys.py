"""A tenant's data keys, destroyed.

The law: they are destroyed when the cache has the tenant's webhooks no longer, and whoever has just read these has done
with that. Until then somebody might make a key anew. What is said to be destroyed was looked for once more.
"""

import time
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from consumer.control.applied import CacheWatch, Seen
from consumer.data_keys.kept_keys import KeysTopic, destroy, read_keys
from consumer.kafka.topic_writer import Place, TopicWriter
from consumer.settings import Settings

_PASSES: Final = 3
_PATIENCE_S: Final = 10.0
_READ_BEFORE_S: Final = 5.0
"""Whoever has read a webhook that is gone since writes a data key within so long, if he writes one: a write that Kafka
does not acknowledge is given up after 4 s."""


@dataclass(slots=True, kw_only=True)
class DataKeys:
    """How many there were, when the first was made, and what could not be made sure of."""

    number: int = 0
    first_ms: int | None = None
    unsure: list[str] = field(default_factory=list)


def found_keys(settings: Settings, tenant: str) -> DataKeys:
    """Those that there are. Raises KafkaBroken."""
    kept = read_keys(settings)
    keys = [] if kept is None else kept.of(tenant)
    return DataKeys(number=len(keys), first_ms=keys[0].created_at_ms if keys else None)


def destroyed_keys(settings: Settings, tenant: str, writer: TopicWriter, last: Collection[Place]) -> DataKeys:
    """Destroy them. `last`: where in each partition the last deletion of a webhook of it lies, if one was deleted now.

    Raises:
        KafkaBroken: not all was acknowledged; another time goes on.
    """
    topic, told = KeysTopic(settings, writer), DataKeys()
    if topic.read() is None:
        return told
    told.unsure = _forgotten_by_cache(settings, tenant, last)
    for _ in range(_PASSES):
        kept = topic.read()
        keys = [] if kept is None else kept.of(tenant)
        destroy(topic, [each.id for each in keys])
        if not keys:
            return told
        told.number += len(keys)
        told.first_ms = min(keys[0].created_at_ms, told.first_ms or keys[0].created_at_ms)
    told.unsure.append("its data keys: somebody makes them anew")
    return told


def _forgotten_by_cache(settings: Settings, tenant: str, last: Collection[Place]) -> list[str]:
    with closing(CacheWatch(settings)) as cache:
        for place in last:
            seen = cache.wait(tenant, place, _PATIENCE_S)
            if seen is not Seen.APPLIED:
                return [f"the cache, which may have its webhooks yet, so that a data key is made anew ({seen})"]
    time.sleep(_READ_BEFORE_S)
    return []
