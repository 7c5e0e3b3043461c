"""A webhook's statistics, read from where the role `log` keeps them."""

import time
from collections.abc import Callable, Sequence

from consumer.log.fields import Partitions, stats_field, stats_of
from consumer.log.stats import Stats
from consumer.settings import Settings
from consumer.webhooks.cache import Cache, Client, connect
from consumer.webhooks.spared import Spared


class StatsReader:
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

    def read(self, webhook: str) -> Sequence[Stats] | None:
        """Of this webhook, of each partition that has some; None where not all of it is known, as without Redis."""
        return self._spared.ask(lambda: self._read(webhook), None)

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _read(self, webhook: str) -> Sequence[Stats] | None:
        found = self._partitions.read([stats_field(webhook)])
        values = found.values[stats_field(webhook)]
        known = [each for each in map(stats_of, values) if each is not None]
        return known if found.whole and len(known) == len(values) else None
