"""Single records of a topic, by their place: a consumer that is kept, and assigned anew for each.

The laws:
- what is given is the record of this very place, or it is said that there is none: not kept any more, or never there;
- it is said in time: nothing waits longer than asked for, whatever the broker does.

A consumer takes some 200 ms to be made, and one that fetches megabytes ahead 50 ms for a record. Kept, and told to
fetch little, it takes 3 to 4.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import pairwise
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken, broken, build, denied, error_of, is_fatal
from consumer.kafka.leaving import close
from consumer.kafka.message import record
from consumer.kafka.placing import extent
from consumer.kafka.reading import reader_properties
from consumer.settings import Settings

_TURN_S: Final = 0.05
_BATCH: Final = 500
_APART: Final = 500
"""Records further apart than this are each looked for: to read on takes longer then."""
_LITTLE: Final[Mapping[str, int]] = {
    "fetch.message.max.bytes": 65_536,
    "queued.max.messages.kbytes": 256,
    "fetch.wait.max.ms": 5,
}
_OUTSIDE: Final = frozenset(
    {
        KafkaError.OFFSET_OUT_OF_RANGE,
        KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 # librdkafka's local code
    }
)


class NotKept(Exception):  # noqa: N818 # it names a state, as the glossary does
    """There was a record at this place, or at an earlier one; the topic's retention is over for it.

    `begins` is the offset from which on the partition is kept.
    """

    def __init__(self, message: str, *, begins: int) -> None:
        super().__init__(message)
        self.begins = begins


class NothingThere(Exception):  # noqa: N818 # same
    """There is no record at this place, and none was there that this topic knows of."""


class Picker:
    """Of one topic. Belongs to one thread at a time."""

    def __init__(self, settings: Settings, topic: str, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Nothing is connected yet.

        Raises:
            ConfigurationError: the user's properties contradict those that are ours.
        """
        self._topic = topic
        self._monotonic_s = monotonic_s
        self._partitions = 0
        self._consumer: Consumer = build(Consumer, reader_properties(settings, unless_set=_LITTLE, outside="error"))

    def pick(self, partition: int, offset: int, *, within_s: float) -> Record:
        """The record.

        Raises:
            NotKept: the topic does not hold it any more.
            NothingThere: nor did it ever.
            KafkaBroken: it could not be read in time. A KafkaFatal ends this picker.
        """
        with closing(self._between(partition, [offset], self._monotonic_s() + within_s)) as there:
            found = next(there, None)
        if found is None:
            raise NothingThere(f"{self._topic}-{partition} has no record at {offset}")
        return found

    def pick_all(self, partition: int, offsets: Sequence[int], *, until_s: float) -> Iterator[Record]:
        """Those of the records at these offsets, which rise, that are still there, until it is so late (monotonic).

        Raises:
            KafkaBroken: as `pick` does, also when it is too late.
        """
        if not offsets:
            return
        breaks = [at for at, (one, next_) in enumerate(pairwise(offsets), 1) if next_ - one > _APART]
        groups = [offsets[start:end] for start, end in zip([0, *breaks], [*breaks, len(offsets)], strict=True)]
        while groups:
            group = groups.pop(0)
            try:
                yield from self._between(partition, group, until_s)
            except NotKept as gone:
                if kept := [offset for offset in group if offset >= gone.begins]:
                    groups.insert(0, kept)
            except NothingThere:
                return

    def close(self) -> None:
        """Close the connections."""
        close(self._consumer)

    def _between(self, partition: int, wanted: Sequence[int], until_s: float) -> Generator[Record]:
        """The records at these offsets, which rise and are near each other.

        Raises:
            NotKept, NothingThere: the first of them is none.
        """
        try:
            self._known(partition, until_s)
            self._consumer.assign([TopicPartition(self._topic, partition, wanted[0])])
            yield from self._read(partition, wanted, until_s)
        except KafkaException as exception:
            raise broken(error_of(exception), f"reading {self._topic}") from None
        finally:
            self._consumer.unassign()  # else it would go on fetching

    def _known(self, partition: int, until_s: float) -> None:
        """Asked for a partition that does not exist, librdkafka would wait for it."""
        if partition < self._partitions:
            return
        found = self._consumer.list_topics(self._topic, timeout=self._left_s(until_s)).topics[self._topic]
        if found.error is not None:
            raise broken(found.error, f"reading {self._topic}", needs=f"READ and DESCRIBE on topic {self._topic}")
        self._partitions = len(found.partitions)
        if partition >= self._partitions:
            raise NothingThere(f"{self._topic} has no partition {partition}")

    def _read(self, partition: int, wanted: Sequence[int], until_s: float) -> Iterator[Record]:
        left = deque(wanted)
        while left:
            first = self._consumer.poll(min(_TURN_S, self._left_s(until_s)))
            if first is None:
                continue
            rest = self._consumer.consume(_BATCH, 0) if len(left) > 1 else ()
            for message in (first, *rest):
                if message.error() is not None:
                    if self._ended(message, partition, wanted[0], until_s):
                        return
                    continue
                found = record(message)
                while left and left[0] < found.offset:
                    left.popleft()  # there is none
                if left and left[0] == found.offset:
                    left.popleft()
                    yield found

    def _ended(self, message: Message, partition: int, offset: int, until_s: float) -> bool:
        """Whether nothing more comes.

        Raises:
            NotKept, NothingThere: nothing at all.
        """
        error = message.error()
        assert error is not None
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 # librdkafka's local code
            return True
        if error.code() in _OUTSIDE:
            begin, end = extent(self._consumer, (self._topic, partition), self._left_s(until_s))
            if offset < begin:
                raise NotKept(f"{self._topic}-{partition} begins at {begin}", begins=begin)
            raise NothingThere(f"{self._topic}-{partition} ends at {end}")
        if is_fatal(error):
            raise broken(error)
        if denied(error):
            raise broken(error, needs=f"READ on topic {self._topic}")
        return False  # a connection that broke is made anew meanwhile

    def _left_s(self, until_s: float) -> float:
        left_s = until_s - self._monotonic_s()
        if left_s <= 0:
            raise KafkaBroken(f"reading {self._topic}: it did not answer in time")
        return left_s
