"""What waits of a webhook, for those who show it to its customer."""

import time
from collections.abc import Callable, Mapping, Sequence

from consumer.settings import Settings
from consumer.standings.store import Backlog, StandingStore
from consumer.webhooks.cache import Cache, Client, connect
from consumer.webhooks.spared import Spared


class BacklogReader:
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
        self._store = StandingStore(self._cache, topic_prefix=settings.topic_prefix)
        self._spared = Spared(monotonic_s)

    def read(self, ids: Sequence[str]) -> Mapping[str, Backlog]:
        """What waits of each of these webhooks. Redis being away is no error: then of none it is known."""
        return self._spared.ask(lambda: self._store.backlogs(ids), {})

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()
