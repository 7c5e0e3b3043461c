"""Deliveries that were sent again and accepted, told from process to process: a try of one that waits is not made.

    <prefix>replaced    zset   delivery's id, by when it was told (ms since 1970)

The law: a word that is lost costs one duplicate, and nothing waits for one. The latest MOST are kept, for as long as a
delivery may be retried.
"""

import time
from collections.abc import Callable, Sequence

from consumer.delivery.replaced import MOST
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.webhooks.cache import Cache, Client, connect
from consumer.webhooks.spared import Spared


class ReplacedStore:
    """What was told. Belongs to nobody: each call is one round trip."""

    def __init__(self, cache: Cache, *, topic_prefix: str, keep_ms: int, most: int = MOST) -> None:
        self._cache = cache
        self._key = f"{topic_prefix}replaced"
        self._keep_ms = keep_ms
        self._most = most

    @classmethod
    def from_settings(cls, settings: Settings, client: Client | None = None) -> "ReplacedStore":
        """Under these settings. Nothing is sent yet.

        Raises:
            ConfigurationError: HOOKLINE_REDIS_URL is malformed.
        """
        cache = Cache(connect(settings) if client is None else client)
        return cls(cache, topic_prefix=settings.topic_prefix, keep_ms=duration_ms(settings.retry_for))

    def add(self, names: Sequence[str], now_ms: int) -> None:
        """Tell of these. Raises CacheUnavailable."""
        self._cache.note(self._key, names, now_ms, keep_ms=self._keep_ms, most=self._most)

    def since(self, at_ms: int) -> list[str]:
        """What was told then or later. Raises CacheUnavailable."""
        return self._cache.noted(self._key, at_ms)

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()


class ReplacedTeller:
    """For whoever shows it. Any thread may tell; while Redis is away nobody waits for it more than once a second."""

    def __init__(
        self,
        store: ReplacedStore,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._now_ms = now_ms
        self._spared = Spared(monotonic_s)

    def tell(self, name: str) -> None:
        """Of this delivery no further try is wanted."""
        self._spared.ask(lambda: self._store.add([name], self._now_ms()), None)

    def close(self) -> None:
        """Close the connections."""
        self._store.close()
