"""Where an assigned partition is read from: asked, and changed.

The law: what was fetched before a change is never given after it.
"""

import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.delivery.offsets import Partition
from consumer.kafka.client import broken, error_of

_ASK_S: Final = 6.0  # less than a role has to end, also when Kafka falls silent just before
_AGAIN_S: Final = 0.1
# A partition that is just being made, or led by another broker. Asked again, it answers.
_MOVING: Final = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 # librdkafka's local code: its metadata is of a moment without a leader
    }
)


def extent(consumer: Consumer, place: Partition, timeout_s: float = _ASK_S) -> tuple[int, int]:
    """Where the log begins and ends.

    Raises:
        KafkaException: the broker does not answer in time.
    """
    until_s = time.monotonic() + timeout_s
    while True:
        try:
            left_s = max(0.001, until_s - time.monotonic())
            found: tuple[int, int] = consumer.get_watermark_offsets(TopicPartition(*place), timeout=left_s)
        except KafkaException as exception:
            if error_of(exception).code() not in _MOVING or time.monotonic() + _AGAIN_S > until_s:
                raise
        else:
            return found
        time.sleep(_AGAIN_S)


def end_as_known(consumer: Consumer, place: Partition) -> int | None:
    """Where the log ended when it was last fetched from; None before that. Nobody is asked."""
    try:
        found: tuple[int, int] = consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
    except KafkaException:  # of a partition that this client does not know yet
        return None
    return found[1] if found[1] >= 0 else None


def log_begins(consumer: Consumer, place: Partition) -> int:
    """The offset of the first record there is.

    Raises:
        KafkaBroken: the broker could not be asked.
    """
    try:
        return extent(consumer, place)[0]
    except KafkaException as exception:
        raise broken(error_of(exception), f"asking where {place[0]}-{place[1]} begins") from None


def go_on_at(consumer: Consumer, place: Partition, offset: int) -> None:
    """Read it from this offset on. Not from within a rebalance.

    Raises:
        KafkaBroken: this consumer takes no assignment.
    """
    try:
        # A seek is refused where the fetcher was stopped, until the partition is assigned again.
        consumer.incremental_unassign([TopicPartition(*place)])
        consumer.incremental_assign([TopicPartition(*place, offset)])
    except KafkaException as exception:
        raise broken(error_of(exception), f"going on at {offset} of {place[0]}-{place[1]}") from None
