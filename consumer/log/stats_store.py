"""A webhook's statistics, read from where the role `log` keeps them."""

import time
from collections.abc import Callable, Mapping, Sequence

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
        return self._spared.ask(lambda: self._read([webhook]).get(webhook), None)

    def read_all(self, webhooks: Sequence[str]) -> Mapping[str, Sequence[Stats]]:
        """The same of each of these webhooks of which all is known."""
        return self._spared.ask(lambda: self._read(webhooks), {})

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _read(self, webhooks: Sequence[str]) -> Mapping[str, Sequence[Stats]]:
        found = self._partitions.read([stats_field(each) for each in webhooks])
        known: dict[str, Sequence[Stats]] = {}
        for each in webhooks if found.whole else ():
            parts = [stats_of(value) for value in found.values[stats_field(each)]]
            sound = [part for part in parts if part is not None]
            if len(sound) == len(parts):
                known[each] = sound
        return known
