"""What a group has committed of some partitions, asked by a client that never joins it.

The law: a question ends nobody's process. The admin client's question for a group's offsets does, now and then, while
the group's coordinator loads (librdkafka 2.16): on a new cluster, and after a broker was restarted.
"""

from collections.abc import Iterable
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.delivery.offsets import Partition
from consumer.kafka.client import broken, build, client_properties, error_of
from consumer.kafka.leaving import close
from consumer.settings import Settings

_NOTHING: Final = 0
"""Offsets below it are words: nothing is committed."""


class GroupOffsets:
    """Of one group. One thread at a time may ask."""

    def __init__(self, settings: Settings, group: str) -> None:
        """Nothing is connected yet.

        Raises:
            ConfigurationError: the Kafka properties are wrong.
        """
        self._group = group
        self._client: Consumer = build(Consumer, {**client_properties(settings), "group.id": group})

    def read(self, places: Iterable[Partition], timeout_s: float) -> list[TopicPartition]:
        """Those of these partitions of which something is committed, with its offset and metadata, or its `error`.

        Raises:
            KafkaBroken: the broker does not answer in time; an ACL is missing (AccessDenied).
        """
        asked = [TopicPartition(*place) for place in places]
        if not asked:
            return []
        try:
            found = self._client.committed(asked, timeout=timeout_s)
        except KafkaException as exception:
            needs = f"READ on group {self._group}"
            raise broken(error_of(exception), f"asking what {self._group} has committed", needs=needs) from None
        return [place for place in found if place.error is not None or place.offset >= _NOTHING]

    def close(self) -> None:
        """Close the connections."""
        close(self._client)
