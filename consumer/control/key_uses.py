"""When each API key was used last, kept in Redis for people to see.

The law: nothing depends on it and nothing waits for it. A use is written at most once a minute for each key and
process, by a thread of its own; while Redis is away uses are forgotten, and so is everything when it is flushed.
"""

import threading
from collections.abc import Mapping, Sequence
from queue import SimpleQueue
from typing import Final

import structlog

from consumer.settings import Settings
from consumer.telemetry.outage import Outage
from consumer.webhooks.cache import Cache, CacheUnavailable, Call, Client, connect

_log = structlog.get_logger("keys")

_EVERY_MS: Final = 60_000
_MOST_ASKED: Final = 1_000

# KEYS: the hash of key id to epoch milliseconds. ARGV: one of both. A clock that is behind takes nothing back.
_USED: Final = """
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known or tonumber(known) < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1
"""
_ASKED: Final = "return redis.call('HMGET', KEYS[1], unpack(ARGV))"


class KeyUses:
    """The uses of one process. `used` may be called from any thread."""

    def __init__(self, settings: Settings, *, client: Client | None = None) -> None:
        """Begin to write. Raises: ConfigurationError: HOOKLINE_REDIS_URL is malformed."""
        self._settings = settings
        self._hash = _hash(settings)
        self._cache = Cache(connect(settings) if client is None else client)
        self._said_ms: dict[str, int] = {}
        self._new: SimpleQueue[tuple[str, int] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="key-uses", daemon=True)
        self._thread.start()

    def used(self, key_id: str, now_ms: int) -> None:
        """The key opened something just now."""
        if now_ms - self._said_ms.get(key_id, -_EVERY_MS) >= _EVERY_MS:
            self._said_ms[key_id] = now_ms
            self._new.put((key_id, now_ms))

    def read(self, key_ids: Sequence[str]) -> Mapping[str, int]:
        """See `last_uses`."""
        return last_uses(self._settings, key_ids)

    def close(self) -> None:
        """Write what is left, and end."""
        self._new.put(None)
        self._thread.join()
        self._cache.close()

    def _write(self) -> None:
        forgotten = Outage(_log, "last use of keys not written")
        while (use := self._new.get()) is not None:
            key_id, at_ms = use
            try:
                self._cache.run([Call(script=_USED, keys=(self._hash,), args=(key_id, str(at_ms)))])
            except CacheUnavailable as error:
                forgotten.met(error=str(error))
            else:
                forgotten.over()


def last_uses(settings: Settings, key_ids: Sequence[str], *, client: Client | None = None) -> Mapping[str, int]:
    """When these keys were used last, in epoch milliseconds; those of which nothing is known are left out.

    Raises:
        ConfigurationError: HOOKLINE_REDIS_URL is malformed.
    """
    cache = Cache(connect(settings) if client is None else client)
    try:
        parts = (key_ids[at : at + _MOST_ASKED] for at in range(0, len(key_ids), _MOST_ASKED))
        answers = cache.run([Call(script=_ASKED, keys=(_hash(settings),), args=part) for part in parts])
    except CacheUnavailable:
        return {}
    finally:
        cache.close()
    found = zip(key_ids, (each for answer in answers for each in answer), strict=True)
    return {key_id: int(at_ms) for key_id, at_ms in found if at_ms is not None}


def _hash(settings: Settings) -> str:
    return f"{settings.topic_prefix}key-uses"
