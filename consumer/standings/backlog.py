"""What waits of a webhook, for those who show it to its customer."""

import time
from collections.abc import Callable, Mapping, Sequence

from consumer.settings import Settings
from consumer.standings.store import Backlog, StandingStore
from consumer.webhooks.cache import Client
from consumer.webhooks.spared import SparedReader


class BacklogReader(SparedReader):
    """Reads what waits for webhooks."""

    def __init__(
        self, settings: Settings, *, client: Client | None = None, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        """As `SparedReader`."""
        super().__init__(settings, client=client, monotonic_s=monotonic_s)
        self._store = StandingStore(self._cache, topic_prefix=settings.topic_prefix)

    def read(self, ids: Sequence[str]) -> Mapping[str, Backlog]:
        """What waits of each of these webhooks. Redis being away is no error: then of none it is known."""
        return self._spared.ask(lambda: self._store.backlogs(ids), {})
