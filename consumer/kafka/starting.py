"""Where reading a partition begins.

The law: a partition with a committed offset begins there; one without begins at the log's beginning, unless its
topic is read for the first time and the settings say `latest`.

Under `latest`, the ends found at the first start are committed for all partitions of the topic at once. So a crash
before the first commit loses nothing, and a partition that is added later has no offset while its neighbours do:
it is new, and begins at its beginning.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.delivery.offsets import Partition, Position
from consumer.kafka.client import broken, error_of

Start: TypeAlias = Literal["earliest", "latest"]


def starting_offsets(
    consumer: Consumer, partitions: Sequence[Partition], start: Start, *, timeout_s: float
) -> dict[Partition, Position]:
    """The position of each partition to begin at, with what was finished above it.

    Raises:
        KafkaBroken: the broker could not be asked.
    """
    if not partitions:
        return {}
    try:
        known = _committed(consumer, partitions, timeout_s)
        fresh = [partition for partition in partitions if partition not in known]
        if fresh and start == "latest":
            known |= _first_ends(consumer, fresh, timeout_s)
        for partition in partitions:
            if partition not in known:
                known[partition] = Position(_watermarks(consumer, partition, timeout_s)[0])
    except KafkaException as exception:
        raise broken(error_of(exception), "asking where to begin") from None
    return {partition: known[partition] for partition in partitions}


def _committed(consumer: Consumer, partitions: Sequence[Partition], timeout_s: float) -> dict[Partition, Position]:
    found = consumer.committed([TopicPartition(*partition) for partition in partitions], timeout=timeout_s)
    for place in found:
        if place.error is not None:
            raise KafkaException(place.error)
    return {
        (place.topic, place.partition): Position(place.offset, place.metadata or "")
        for place in found
        if place.offset >= 0
    }


def _first_ends(consumer: Consumer, fresh: Sequence[Partition], timeout_s: float) -> dict[Partition, Position]:
    """The ends of topics read for the first time, committed for all their partitions."""
    ends: dict[Partition, Position] = {}
    for topic in {topic for topic, _ in fresh}:
        metadata = consumer.list_topics(topic, timeout=timeout_s).topics[topic]
        all_of_it = [(topic, number) for number in metadata.partitions]
        if not _committed(consumer, all_of_it, timeout_s):
            for partition in all_of_it:
                ends[partition] = Position(_watermarks(consumer, partition, timeout_s)[1])
    if ends:
        consumer.commit(
            offsets=[TopicPartition(*partition, end.offset) for partition, end in ends.items()], asynchronous=False
        )
    return ends


def _watermarks(consumer: Consumer, partition: Partition, timeout_s: float) -> tuple[int, int]:
    """The log's beginning and end."""
    found: tuple[int, int] = consumer.get_watermark_offsets(TopicPartition(*partition), timeout=timeout_s)
    return found
