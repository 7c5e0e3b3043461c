"""What endpoints made of jobs' deliveries, read from where the role `log` keeps it."""

import time
from collections.abc import Callable, Mapping, Sequence

from consumer.log.answered import Answered, summed
from consumer.log.fields import Partitions, job_field, job_of
from consumer.settings import Settings
from consumer.webhooks.cache import Cache, Client, connect
from consumer.webhooks.spared import Spared


class AnsweredReader:
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

    def read(self, ids: Sequence[str]) -> Mapping[str, Answered]:
        """The counts of these jobs, as far as they are known: nothing while Redis is away.

        A job of which no attempt was logged yet has counts of 0, once all partitions' figures are there.
        """
        return self._spared.ask(lambda: self._read(ids), {}) if ids else {}

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _read(self, ids: Sequence[str]) -> dict[str, Answered]:
        found = self._partitions.read([job_field(each) for each in ids])
        known: dict[str, Answered] = {}
        for job in ids:
            values = found.values[job_field(job)]
            counts = [each for each in map(job_of, values) if each is not None]
            # Without a partition its counts would be too low: nothing is known then.
            if found.whole and len(counts) == len(values):
                known[job] = summed(counts)
        return known
