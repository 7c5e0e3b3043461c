"""Waiting until the projection has applied a record of the subscriptions topic.

The law: APPLIED says that every worker which reads the cache from now on sees the record; every other answer says that
this is not known, and why.
"""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from consumer.kafka.topic_writer import Place
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.webhooks.bucket import Keys, bucket_of
from consumer.webhooks.cache import Cache, CacheUnavailable, Call, Client, connect

# A projection applies a record some 3 ms after it was acknowledged; one that is behind should not be pestered.
_FIRST_PAUSE_S: Final = 0.002
_LAST_PAUSE_S: Final = 0.02
_REST_S: Final = 5.0
_COMMANDS_PATIENCE_S: Final = 5.0

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
    NO_PROJECTION = "no projection is running (`hookline run` starts one)"
    CACHE_UNREACHABLE = "Redis is unreachable"


class CacheWatch:
    """Looks at how far the cache is. For many threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        client: Client | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take a client, or make one. Nothing is sent yet.

        Raises:
            ConfigurationError: HOOKLINE_REDIS_URL is malformed.
        """
        self._cache = Cache(connect(settings) if client is None else client)
        self._keys = Keys(settings.topic_prefix)
        self._silence_ms = duration_ms(settings.projection_silence)
        self._monotonic_s = monotonic_s
        self._sleep = sleep
        self._rest_for = Seen.NOT_YET
        self._rest_until_s = float("-inf")

    def wait(self, tenant: str, place: Place, patience_s: float) -> Seen:
        """Wait, at most `patience_s`, until the tenant's part of the cache holds the record at this place.

        Once that was in vain nobody waits for five seconds: a cache that is away or being filled must not make every
        writer wait in turn.
        """
        if self._monotonic_s() < self._rest_until_s:
            return self._rest_for
        seen = self._awaited(tenant, place, self._monotonic_s() + patience_s)
        if seen in {Seen.NOT_YET, Seen.CACHE_UNREACHABLE}:
            self._rest_for, self._rest_until_s = seen, self._monotonic_s() + _REST_S
        return seen

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _awaited(self, tenant: str, place: Place, until_s: float) -> Seen:
        pause_s = _FIRST_PAUSE_S
        try:
            while (seen := self._look(tenant, place)) is Seen.NOT_YET and self._monotonic_s() <= until_s:
                self._sleep(pause_s)
                pause_s = min(2 * pause_s, _LAST_PAUSE_S)
        except CacheUnavailable:
            return Seen.CACHE_UNREACHABLE
        return seen

    def _look(self, tenant: str, place: Place) -> Seen:
        call = Call(script=_STANDING, keys=(self._keys.bucket(bucket_of(tenant)),), args=())
        readable, age_ms, at = self._cache.run([call])[0]
        if not 0 <= int(age_ms) <= self._silence_ms:
            return Seen.NO_PROJECTION
        offsets = [int(each) for each in at.split(b",")]
        applied = readable and place.partition < len(offsets) and offsets[place.partition] > place.offset
        return Seen.APPLIED if applied else Seen.NOT_YET


def await_applied(settings: Settings, tenant: str, partition: int, offset: int) -> Seen:
    """Wait once, at most 5 s: what a person's command does. See `CacheWatch`.

    Raises:
        ConfigurationError: HOOKLINE_REDIS_URL is malformed.
    """
    watch = CacheWatch(settings)
    try:
        return watch.wait(tenant, Place(partition=partition, offset=offset), _COMMANDS_PATIENCE_S)
    finally:
        watch.close()
