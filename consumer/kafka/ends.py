"""Where topics end now.

The law: what is answered was true at some moment after the question.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from confluent_kafka import KafkaException

from consumer.delivery.offsets import Partition
from consumer.kafka.client import broken, error_of
from consumer.kafka.log_offsets import LATEST, log_offsets
from consumer.kafka.reading import TopicMissing
from consumer.kafka.shared_admin import shared_admin
from consumer.settings import Settings

Ends: TypeAlias = Mapping[str, Mapping[int, int]]
"""For each topic the next offset of each partition."""

# A topic may get partitions while it is asked about.
_LOOK_AGAIN_S: Final = 10.0
_AGAIN_S: Final = 0.05


class EndsReader:
    """Owned by one thread."""

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        self._topics = tuple(topics)
        self._admin = shared_admin(settings)
        self._partitions: list[Partition] = []
        self._looked_s = 0.0

    def read(self, timeout_s: float) -> Ends:
        """Ask the brokers, all topics in one request for each broker: 0.3 ms. A partition that moves is asked again.

        Raises:
            TopicMissing: there is no such topic.
            KafkaBroken: not answered in time.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            left_s = max(0.001, until_s - time.monotonic())
            try:
                if not self._partitions or time.monotonic() - self._looked_s > _LOOK_AGAIN_S:
                    self._partitions = self._found(left_s)
                    self._looked_s = time.monotonic()
                return self._asked(left_s)
            except KafkaException as exception:
                self._partitions = []
                if time.monotonic() + _AGAIN_S > until_s:
                    raise broken(error_of(exception), "asking where the topics end") from None
            time.sleep(_AGAIN_S)

    def _asked(self, timeout_s: float) -> Ends:
        ends: dict[str, dict[int, int]] = {topic: {} for topic in self._topics}
        for (topic, number), end in log_offsets(self._admin, self._partitions, LATEST, timeout_s).whole().items():
            ends[topic][number] = end
        return ends

    def _found(self, timeout_s: float) -> list[Partition]:
        partitions: list[Partition] = []
        for topic in self._topics:
            found = self._admin.list_topics(topic, timeout=timeout_s).topics[topic]
            if found.error is not None or not found.partitions:
                raise TopicMissing(f"{topic} does not exist: `hookline topics create` creates it")
            partitions += [(topic, number) for number in sorted(found.partitions)]
        return partitions
