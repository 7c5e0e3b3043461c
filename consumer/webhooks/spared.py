"""Questions to a cache that may be away, for readers that can do without an answer.

The law: while it is away nobody waits for it more than once a second; the others get what they can do without.
"""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from consumer.settings import Settings
from consumer.webhooks.cache import Cache, CacheUnavailable, Client, connect

_AWAY_FOR_S: Final = 1.0

_Told = TypeVar("_Told")


class Spared:
    """Any thread may ask; one at a time."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._away_until_s = float("-inf")
        self._lock = threading.Lock()

    def ask(self, read: Callable[[], _Told], otherwise: _Told) -> _Told:
        """What `read` tells, or `otherwise` where it raised CacheUnavailable, now or less than a second ago."""
        with self._lock:
            if self._monotonic_s() < self._away_until_s:
                return otherwise
            try:
                return read()
            except CacheUnavailable:
                self._away_until_s = self._monotonic_s() + _AWAY_FOR_S
                return otherwise


class SparedReader:
    """Reads what others keep in Redis. Any thread may ask; while Redis is away nobody waits for it each time."""

    def __init__(
        self,
        settings: Settings,
        *,
        client: Client | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigurationError: HOOKLINE_REDIS_URL is malformed.
        """
        self._cache = Cache(connect(settings) if client is None else client)
        self._spared = Spared(monotonic_s)

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()
