"""Where partitions begin or end, asked of the brokers: one request for each of them, whoever asks.

The law: each partition has an offset or an error, and the question has an end.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from consumer.delivery.offsets import Partition
from consumer.kafka.asked import answer_of
from consumer.kafka.client import error_of

EARLIEST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call] # it has no annotations
LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call] # same


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOffsets:
    """Of each partition that was asked about, in one of the two."""

    found: dict[Partition, int] = field(default_factory=dict)
    errors: dict[Partition, KafkaError] = field(default_factory=dict)

    def whole(self) -> dict[Partition, int]:
        """All offsets. Raises KafkaException: one of them is not known."""
        for error in self.errors.values():
            raise KafkaException(error)
        return self.found


def log_offsets(admin: AdminClient, places: Iterable[Partition], at: OffsetSpec, timeout_s: float) -> LogOffsets:
    """The first offset of each partition (EARLIEST), or the next one (LATEST).

    Raises:
        KafkaException: the question could not be put.
    """
    told = LogOffsets()
    asked = {TopicPartition(*place): at for place in places}
    if not asked:
        return told
    for place, answer in admin.list_offsets(asked, request_timeout=timeout_s).items():
        try:
            # The client gives up after `timeout_s`, and says so a moment later.
            told.found[place.topic, place.partition] = answer_of(answer, 2 * timeout_s).offset
        except KafkaException as exception:
            told.errors[place.topic, place.partition] = error_of(exception)
    return told
