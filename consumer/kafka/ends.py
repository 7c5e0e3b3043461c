"""Where topics end now.

The law: the answer was true at some moment after the question.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from consumer.kafka.client import KafkaBroken, broken, build, client_properties, error_of
from consumer.settings import Settings

Ends: TypeAlias = Mapping[str, Mapping[int, int]]
"""For each topic the next offset of each partition."""

_LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call] # it has no annotations


class EndsReader:
    """Owned by one thread."""

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        self._topics = tuple(topics)
        self._admin = build(AdminClient, client_properties(settings))
        self._partitions: list[TopicPartition] = []

    def read(self, timeout_s: float) -> Ends:
        """Ask the brokers, once for all the topics.

        Raises:
            KafkaBroken: not answered in time, or there is no such topic.
        """
        until_s = time.monotonic() + timeout_s
        try:
            if not self._partitions:
                self._partitions = self._found(timeout_s)
            left_s = max(0.001, until_s - time.monotonic())
            asked = self._admin.list_offsets(dict.fromkeys(self._partitions, _LATEST), request_timeout=left_s)
            ends: dict[str, dict[int, int]] = {topic: {} for topic in self._topics}
            for place, answer in asked.items():
                ends[place.topic][place.partition] = answer.result().offset
        except KafkaException as exception:
            raise broken(error_of(exception), "asking where the topics end") from None
        return ends

    def _found(self, timeout_s: float) -> list[TopicPartition]:
        partitions: list[TopicPartition] = []
        for topic in self._topics:
            found = self._admin.list_topics(topic, timeout=timeout_s).topics[topic]
            if found.error is not None or not found.partitions:
                raise KafkaBroken(f"{topic} does not exist: `hookline topics create` creates it")
            partitions += [TopicPartition(topic, number) for number in sorted(found.partitions)]
        return partitions
