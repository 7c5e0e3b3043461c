"""Parts of one topic's partitions, read beside a group: no group is joined and nothing is committed.

The law: what a part says that it has read, it has read without a gap. A log that was made anew, or begins later than
what is asked for, is told by its extent: who asks looks at that first. Of a part there are at most some hundred whole
records in memory: the asker says what it keeps of each.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.events.event import Record
from consumer.kafka.client import broken, error_of
from consumer.kafka.leaving import close
from consumer.kafka.message import record
from consumer.kafka.placing import extent
from consumer.kafka.reading import reader
from consumer.settings import Settings

Item = TypeVar("Item")

_BATCH: Final = 100
_ASK_S: Final = 5.0
_SILENCE_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[Item]):
    """What was kept of the records, in order. All of the log before `end` was read; `at_end`: the log ends there."""

    kept: tuple[Item, ...]
    end: int
    at_end: bool


class RangeReader:
    """Owned by one thread. Its client is made when it is first wanted, and goes with what was wrong with it."""

    def __init__(self, settings: Settings, topic: str, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._topic = topic
        self._monotonic_s = monotonic_s
        self._consumer: Consumer | None = None

    def extent(self, partition: int) -> tuple[int, int]:
        """Where the partition's log begins and ends.

        Raises:
            KafkaBroken: the broker does not answer.
        """
        try:
            return extent(self._client(), (self._topic, partition), _ASK_S)
        except KafkaException as exception:
            self.close()
            raise broken(error_of(exception), f"asking where {self._topic}-{partition} begins") from None

    def read(
        self, partition: int, first: int, *, most: int, before: int | None = None, keep: Callable[[Record], Item]
    ) -> Part[Item]:
        """What `keep` makes of the records from `first` on, at most so many, and none from `before` on.

        A broker that falls silent ends it where it is.

        Raises:
            KafkaBroken: it may not be read, or is not there.
        """
        consumer = self._client()
        try:
            consumer.assign([TopicPartition(self._topic, partition, first)])
            return self._read(consumer, first, most, before, keep)
        except KafkaException as exception:
            self.close()
            raise broken(error_of(exception), f"reading {self._topic}-{partition}") from None

    def close(self) -> None:
        """Close the client."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            close(consumer)

    def _read(
        self, consumer: Consumer, first: int, most: int, before: int | None, keep: Callable[[Record], Item]
    ) -> Part[Item]:
        found: list[Item] = []
        end, heard_s = first, self._monotonic_s()
        while len(found) < most and (before is None or end < before):
            message = consumer.poll(0.1)
            if message is None:
                if self._monotonic_s() - heard_s > _SILENCE_S:
                    break
                continue
            heard_s = self._monotonic_s()
            for each in [message, *consumer.consume(min(_BATCH, most - len(found)), 0)]:
                error, offset = each.error(), each.offset()
                if error is not None:
                    if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 # librdkafka's own
                        raise KafkaException(error)
                    end = max(end, offset or 0)
                    return Part(kept=tuple(found), end=end, at_end=True)
                if before is not None and offset is not None and offset >= before:
                    return Part(kept=tuple(found), end=before, at_end=False)
                read = record(each)
                found.append(keep(read))
                end = read.offset + 1
        return Part(kept=tuple(found), end=end, at_end=False)

    def _client(self) -> Consumer:
        if self._consumer is None:
            self._consumer = reader(self._settings)
        return self._consumer
