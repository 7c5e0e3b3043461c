"""What the role `log` keeps of all partitions in Redis, for readers that can do without."""

import time
from collections.abc import Callable

from consumer.log.fields import Partitions
from consumer.settings import Settings
from consumer.webhooks.cache import Client
from consumer.webhooks.spared import SparedReader


class FiguresReader(SparedReader):
    """For the readers of one figure each."""

    def __init__(
        self, settings: Settings, *, client: Client | None = None, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        """As `SparedReader`."""
        super().__init__(settings, client=client, monotonic_s=monotonic_s)
        self._partitions = Partitions(self._cache, settings)
