"""Records of the ordered topic that were left in the log, read once more: no group is joined and nothing is committed.

The laws: what is given is every record of the scope from the first offset asked for on up to where it says that it
came; and one question costs a bounded time and a bounded number of bytes, however far apart its records lie.
"""

import time
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.delivery.left import Again
from consumer.events.event import Record
from consumer.kafka.client import broken, denied, error_of
from consumer.kafka.leaving import close
from consumer.kafka.message import record
from consumer.kafka.reading import reader
from consumer.settings import Settings

_FOR_S: Final = 2.0
_BYTES_MOST: Final = 16 * 1_048_576
_BATCH: Final = 500
_WAIT_S: Final = 0.2


class Found(NamedTuple):
    """The records of the scope before this offset. `in_vain`: Kafka told nothing."""

    again: Again
    records: list[Record]
    offset: int
    in_vain: bool = False


class LogAgain:
    """Answers one question after the other, in one thread. It connects with the first one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Consumer | None = None

    def answer(self, again: Again) -> Found:
        """The scope's records, as far as this look goes.

        Raises:
            KafkaBroken: the topic may not be read.
        """
        if self._consumer is None:
            self._consumer = reader(self._settings, unless_set={"queued.max.messages.kbytes": 8_192})
        consumer, place = self._consumer, TopicPartition(*again.window.partition, again.offset)
        try:
            consumer.assign([place])
            look = _Look(again)
            until_s = time.monotonic() + _FOR_S
            while not look.ends and time.monotonic() < until_s:
                first = consumer.poll(_WAIT_S)
                for message in () if first is None else (first, *consumer.consume(_BATCH, 0)):
                    look.meet(message)
            consumer.unassign()
        except KafkaException as exception:
            if denied(error_of(exception)):
                raise broken(error_of(exception), needs=f"READ on topic {again.window.partition[0]}") from None
            return Found(again, [], again.offset, in_vain=True)
        return Found(again, look.found, look.offset, in_vain=look.offset == again.offset)

    def close(self) -> None:
        """Leave the broker."""
        if self._consumer is not None:
            close(self._consumer)


class _Look:
    """What one look has met so far."""

    def __init__(self, again: Again) -> None:
        self._again = again
        self._scope = again.scope.encode()
        self._size = 0
        self.found: list[Record] = []
        self.offset = again.offset

    @property
    def ends(self) -> bool:
        """Whether all was met that was asked for, or as much as one look may cost."""
        return self.offset >= self._again.until or len(self.found) >= self._again.most or self._size >= _BYTES_MOST

    def meet(self, message: Message) -> None:
        """One message of the partition, in order; what comes after the end is another look's."""
        error = message.error()
        if self.ends:
            return
        if error is not None:
            if denied(error):
                raise KafkaException(error)
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 # librdkafka's local code
                self.offset = self._again.until  # the last offsets may hold no record
            return
        offset = message.offset()
        if offset is None or offset < self.offset:
            return
        if offset >= self._again.until:
            self.offset = self._again.until
            return
        self.offset = offset + 1
        self._size += len(message)
        key = message.key()
        if isinstance(key, bytes) and key.startswith(self._scope):
            self.found.append(record(message))
