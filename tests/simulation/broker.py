"""Kafka's logs and committed offsets.

The law: a record once appended keeps its place until retention takes it from the log's beginning; its timestamp is the
broker's clock at the append (LogAppendTime), which is not ours.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Record, RecordHeaders
from consumer.kafka.topic_specs import Topics
from tests.simulation.plan import Plan
from tests.simulation.timeline import Timeline

EVENTS = "events"
GroupPartition = tuple[str, Partition]


@dataclass(slots=True)
class Log:
    """One partition's records from offset `start` on. `end` is the offset of the next one."""

    start: int = 0
    end: int = 0
    records: list[Record] = field(default_factory=list)

    def append(self, record: Record) -> None:
        """One more."""
        self.records.append(record)
        self.end += 1

    def read(self, offset: int, most: int) -> Sequence[Record]:
        """At most so many records from there on."""
        at = offset - self.start
        return self.records[at : at + most]

    def truncate(self, start: int) -> Sequence[Record]:
        """Retention: everything below goes. Returns it."""
        gone = self.records[: start - self.start]
        self.records = self.records[start - self.start :]
        self.start = start
        return gone


def partition_of(key: bytes, partitions: int) -> int:
    """Where the records of a key go, of so many partitions."""
    return zlib.crc32(key) % partitions


class Broker:
    """`down_until_ms`: no request is answered before. `appended` is told of every record.

    `waiting` are the topics that the role retry reads.
    """

    def __init__(self, plan: Plan, timeline: Timeline, topics: Topics, appended: Callable[[Record], None]) -> None:
        self._timeline = timeline
        self._leaders = plan.leaders
        self._appended = appended
        self._delays = frozenset(topics.retry_topics)
        self.waiting = (*topics.retry_topics, *((topics.ordered,) if plan.ordered else ()))
        self.partitions = dict.fromkeys((EVENTS, *self.waiting), plan.partitions)
        self.logs: dict[Partition, Log] = {}
        self.committed: dict[GroupPartition, Position] = {}
        self.told_most: dict[GroupPartition, int] = {}  # how long a map might be for who committed last
        self._furthest: dict[GroupPartition, int] = {}
        self.down_until_ms = 0
        self.metadata_most = plan.metadata_most
        self.largest_bytes = 0  # of all records so far
        for topic, count in self.partitions.items():
            for number in range(count):
                self.logs[topic, number] = Log()

    def now_ms(self, partition: Partition) -> int:
        """The clock that dates a record there: of an event its producers' own, else that of the partition's leader."""
        now_ms, leaders = self._timeline.now_ms, self._leaders
        if partition[0] == EVENTS:
            return now_ms + leaders.skews_ms[0]
        return now_ms + leaders.skew_ms(f"{partition[0]}-{partition[1]}", leaders.epoch(now_ms))

    def append(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: RecordHeaders = (),
        *,
        partition: int | None = None,
    ) -> Record:
        """Write a record there, or where its key belongs; topics that only we read have one partition."""
        number = partition_of(key or b"", self.partitions.get(topic, 1)) if partition is None else partition
        log = self.logs.setdefault((topic, number), Log())
        record = Record(
            topic=topic,
            partition=number,
            offset=log.end,
            key=key,
            value=value,
            headers=headers,
            timestamp_ms=self.now_ms((topic, number)),
            leader_epoch=self._leaders.epoch(self._timeline.now_ms),
        )
        log.append(record)
        self.largest_bytes = max(self.largest_bytes, len(value or b""))
        self._appended(record)
        return record

    def grow(self, topic: str) -> None:
        """One more partition."""
        self.logs[topic, self.partitions[topic]] = Log()
        self.partitions[topic] += 1

    def of(self, topics: Sequence[str]) -> list[Partition]:
        """All partitions of these topics."""
        return [(topic, number) for topic in topics for number in range(self.partitions[topic])]

    def position(self, group: str, partition: Partition) -> Position:
        """Where a group goes on reading: the committed position, else the log's beginning."""
        return self.committed.get((group, partition)) or Position(self.logs[partition].start)

    def commit(self, group: str, partition: Partition, position: Position) -> None:
        """A commit is taken, be it further back than the last one: a former owner's may be."""
        self.committed[group, partition] = position
        self._furthest[group, partition] = max(position.offset, self._furthest.get((group, partition), 0))

    def unread(self, group: str, topics: Sequence[str]) -> Iterator[Partition]:
        """The partitions that the group has never committed to their end."""
        for partition in self.of(topics):
            log = self.logs[partition]
            if max(self._furthest.get((group, partition), 0), log.start) < log.end:
                yield partition
