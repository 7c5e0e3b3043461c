"""The latest poison records: a look at the end of their topic, which costs the same however long that is."""

from typing import Final

from consumer.kafka.ends import EndsReader
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.replay.poison import PoisonFilters, PoisonRecord, matching
from consumer.settings import Settings

MOST: Final = 5


class LatestPoison:
    """One thread at a time may ask; a client is made when somebody asks first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = Topics.of(settings).poison
        self._ends: EndsReader | None = None

    def read(self, timeout_s: float) -> list[PoisonRecord]:
        """Of each partition's last records those that came last, the newest first.

        Raises:
            KafkaBroken: the brokers do not answer. That alone is waited for no longer than `timeout_s`.
        """
        if self._ends is None:
            self._ends = EndsReader(self._settings, (self._topic,))
        ends = self._ends.read(timeout_s)[self._topic]
        starts = {partition: max(0, end - MOST) for partition, end in ends.items()}
        if not any(ends.values()):
            return []
        records = read_to_end(self._settings, self._topic, starts=starts)
        found = sorted(matching(records, PoisonFilters()), key=lambda each: -each.record.timestamp_ms)
        return found[:MOST]
