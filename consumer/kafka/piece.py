"""A piece of one partition's log, from an offset on: no group is joined and nothing is committed.

The law: it costs a bounded time and a bounded number of bytes, and the consumer fetches nothing more when it ends.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Consumer, Message, TopicPartition

from consumer.delivery.offsets import Partition

_BATCH: Final = 500
_WAIT_S: Final = 0.2


@contextmanager
def piece(
    consumer: Consumer, partition: Partition, offset: int, *, for_s: float, bytes_most: int
) -> Iterator[Iterator[Sequence[Message]]]:
    """The messages from this offset on, some at a time, errors among them, until they have cost enough.

    Raises:
        KafkaException: the partition cannot be read.
    """
    consumer.assign([TopicPartition(*partition, offset)])
    try:
        yield _batches(consumer, time.monotonic() + for_s, bytes_most)
    finally:
        consumer.unassign()


def _batches(consumer: Consumer, until_s: float, bytes_most: int) -> Iterator[Sequence[Message]]:
    size = 0
    while size < bytes_most and time.monotonic() < until_s:
        first = consumer.poll(_WAIT_S)
        if first is not None:
            batch = [first, *consumer.consume(_BATCH, 0)]
            size += sum(map(len, batch))
            yield batch
