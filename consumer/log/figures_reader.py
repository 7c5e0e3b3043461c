"""What the role `log` keeps of all partitions in Redis, for faces that can do without."""

import time
from collections.abc import Callable

from consumer.log.fields import Partitions
from consumer.settings import Settings
from consumer.webhooks.cache import Cache, Client, connect
from consumer.webhooks.spared import Spared


class FiguresReader:
    """Any thread may ask; while Redis is away nobody waits for it more than once a second."""

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
        self._partitions = Partitions(self._cache, settings)
        self._spared = Spared(monotonic_s)

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()
