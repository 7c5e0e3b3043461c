"""Reading on in a partition of ours, before the turn of what lies there, for the records of a few keys.

The laws: no group is joined and nothing is committed; what a look says that it has seen it has read without a gap; and
it reads at most so many bytes a second, whoever wants them.

A topic that was made anew has a log of its own, which is told by a record from before the place that was asked for, or
by nothing at all. What is seen of another log than the core's is without effect there once its id is looked up.
"""

import time
from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.delivery.offsets import Partition
from consumer.delivery.step import LookAhead, SeenAhead
from consumer.events.event import Record
from consumer.kafka.client import error_of
from consumer.kafka.leaving import close
from consumer.kafka.message import record
from consumer.kafka.reading import reader
from consumer.settings import Settings
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")

_BYTES_A_SECOND: Final = 8 * 1_048_576
_BYTES_MOST: Final = 1_048_576  # a look
_FOUND_MOST: Final = 256  # records of the keys
_FOUND_BYTES_MOST: Final = 1_048_576
_LOOK_S: Final = 0.5
_BATCH: Final = 100


class AheadReader:
    """Owned by one thread, but for `close`. Its place is kept: who reads on where it stopped fetches nothing again."""

    def __init__(
        self,
        settings: Settings,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._monotonic_s = monotonic_s
        self._sleep = sleep
        self._consumer: Consumer | None = None
        self._place: tuple[Partition, int] | None = None
        self._free_s = 0.0
        self._away = Outage(_log, "delay topic not read ahead")

    def read(self, look: LookAhead) -> SeenAhead:
        """One look. A broker that does not answer is waited for half a second; then nothing was seen."""
        self._sleep(max(0.0, min(1.0, self._free_s - self._monotonic_s())))
        try:
            seen, size = self._read(look)
        except KafkaException as exception:
            self._away.met(error=error_of(exception).str())
            self.close()
            return SeenAhead(token=look.token, end=look.offset)
        self._free_s = self._monotonic_s() + size / _BYTES_A_SECOND
        # The log's end is told once: who asks again goes there again.
        self._place = None if seen.at_end else (look.partition, seen.end)
        return seen

    def close(self) -> None:
        """Let go of the client. It is made again when it is wanted."""
        consumer, self._consumer, self._place = self._consumer, None, None
        if consumer is not None:
            close(consumer)

    def _read(self, look: LookAhead) -> tuple[SeenAhead, int]:
        consumer = self._at(look)
        until_s = self._monotonic_s() + _LOOK_S
        found: list[Record] = []
        end, size, kept = look.offset, 0, 0
        while size < _BYTES_MOST and len(found) < _FOUND_MOST and kept < _FOUND_BYTES_MOST:
            left_s = until_s - self._monotonic_s()
            if left_s <= 0:
                break
            first = consumer.poll(left_s)
            for message in [] if first is None else [first, *consumer.consume(_BATCH, 0)]:
                error, offset = message.error(), message.offset()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 # librdkafka's own
                    raise KafkaException(error)
                if offset is None or offset < end:  # another log begins there
                    self.close()
                    return SeenAhead(token=look.token, end=look.offset), size
                if error is not None:
                    self._away.over()
                    return SeenAhead(token=look.token, end=offset, records=tuple(found), at_end=True), size
                end = offset + 1
                size += _size(message)
                if message.key() in look.keys:
                    found.append(record(message))
                    kept += _size(message)
        return SeenAhead(token=look.token, end=end, records=tuple(found)), size

    def _at(self, look: LookAhead) -> Consumer:
        """The consumer, where it is to read on."""
        consumer = self._consumer
        if consumer is None:
            consumer, self._place = reader(self._settings), None
            self._consumer = consumer
        if self._place != (look.partition, look.offset):
            consumer.assign([TopicPartition(*look.partition, look.offset)])
        self._place = None
        return consumer


def _size(message: Message) -> int:
    return len(message) + len(message.key() or b"")
