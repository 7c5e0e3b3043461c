"""Waiting until the projection has applied a record of the subscriptions topic.

The law: APPLIED says that every worker which reads the cache from now on sees the record; every other answer says that
this is not known, and why.
"""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from consumer.settings import Settings, duration_ms
from consumer.webhooks.bucket import Keys, bucket_of
from consumer.webhooks.cache import Cache, CacheUnavailable, Call, Client, connect

_PATIENCE_S: Final = 5.0
_EVERY_S: Final = 0.02

# KEYS: bucket. Returns whether it may be read, the age of its beat in ms by Redis' own clock (-1: never) and the
# offsets applied, comma-separated by partition.
_STANDING: Final = """
local held = redis.call('HMGET', KEYS[1], 'epoch', 'beat_ms', 'at')
if not held[2] or not held[3] then return {'', '-1', ''} end
local time = redis.call('TIME')
local age_ms = time[1] * 1000 + math.floor(time[2] / 1000) - held[2]
return {held[1] and '1' or '', string.format('%.0f', age_ms), held[3]}
"""


class Seen(StrEnum):
    """What is known of a record's way into the cache. The words are for people."""

    APPLIED = "applied"
    NOT_YET = "the projection has not applied it yet"
    NO_PROJECTION = "no projection is running"
    CACHE_UNREACHABLE = "Redis is unreachable"


def await_applied(
    settings: Settings,
    tenant: str,
    partition: int,
    offset: int,
    *,
    client: Client | None = None,
    monotonic_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Seen:
    """Wait, at most 5 s, until the tenant's part of the cache holds the record at `offset` of `partition`.

    Raises:
        ConfigurationError: HOOKLINE_REDIS_URL is malformed.
    """
    cache = Cache(connect(settings) if client is None else client)
    call = Call(script=_STANDING, keys=(Keys(settings.topic_prefix).bucket(bucket_of(tenant)),), args=())
    silence_ms = duration_ms(settings.projection_silence)
    until_s = monotonic_s() + _PATIENCE_S
    try:
        while True:
            readable, age_ms, at = cache.run([call])[0]
            if not 0 <= int(age_ms) <= silence_ms:
                return Seen.NO_PROJECTION
            offsets = [int(each) for each in at.split(b",")]
            if readable and partition < len(offsets) and offsets[partition] > offset:
                return Seen.APPLIED
            if monotonic_s() > until_s:
                return Seen.NOT_YET
            sleep(_EVERY_S)
    except CacheUnavailable:
        return Seen.CACHE_UNREACHABLE
    finally:
        cache.close()
