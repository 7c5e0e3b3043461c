"""A member of a consumer group: takes records, tells of partitions that come and go, commits.

The law: no record is passed over in silence. Where the log no longer holds the next record, reading goes on at the
log's beginning, and the gap is counted and logged; librdkafka's own default, the log's end, would lose what is
between. Only partitions of the current assignment are ever committed: the broker would take a former owner's commit
over the new owner's.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Record
from consumer.kafka.checkpoints import Checkpoints
from consumer.kafka.client import KafkaFatal, broken, build, error_of
from consumer.kafka.commits import Commits
from consumer.kafka.leaving import leave
from consumer.kafka.membership import AT_ONCE, STATIC, Fetch, consumer_properties
from consumer.kafka.message import record
from consumer.kafka.starting import Start, starting_offsets
from consumer.settings import Settings
from consumer.telemetry.counters import counters
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")

_ASK_S: Final = 10.0
_COUNT_S: Final = 0.5
_SETTLE_S: Final = 0.02
_NO_TROUBLE: Final = frozenset({KafkaError._PARTITION_EOF})  # noqa: SLF001 # librdkafka's local code


class Listener(Protocol):
    """What the owner of a consumer learns about its partitions, from within `take` or `commit_last`."""

    def assigned(self, partitions: Mapping[Partition, Position]) -> None:
        """These are ours from now on, each read from this position."""

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """These go when this returns: finish, and `commit_now`."""

    def rewound(self, partition: Partition) -> None:
        """The topic was made anew: its records come from the beginning, below those that came before."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """These are somebody else's already: drop what is under way, commit nothing."""


class PartitionConsumer:
    """Owned by one thread, which also runs the listener. Nothing here blocks but `take`, `commit_now` and `close`."""

    def __init__(
        self,
        settings: Settings,
        *,
        group: str,
        topics: Sequence[str],
        instance: str | None,
        listener: Listener,
        start: Start = "earliest",
        fetch: Fetch = AT_ONCE,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self._listener = listener
        self._checkpoints = checkpoints
        self._start: Start = start
        self._assignment: set[Partition] = set()
        self._fatal: KafkaError | None = None
        self._leaving = False
        self._trouble = Outage(_log, "kafka trouble")
        self._commits = Commits(owns=self._assignment.__contains__, checkpoints=checkpoints)
        properties = consumer_properties(settings, group=group, instance=instance, fetch=fetch)
        self._static = STATIC in properties
        self._consumer = build(partial(Consumer, on_commit=self._commits.answered, error_cb=self._heard), properties)
        self._consumer.subscribe(list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions that are ours."""
        return frozenset(self._assignment)

    @property
    def late_s(self) -> float:
        """For how long a commit that was asked for has not been accepted."""
        return self._commits.late_s

    @property
    def accepted(self) -> int:
        """How many commits were accepted, in whole or in part."""
        return self._commits.accepted

    @property
    def positions(self) -> Mapping[Partition, int]:
        """The offset of the next record of each partition; those without a position yet are missing."""
        found = self._consumer.position([TopicPartition(*partition) for partition in self._assignment])
        return {(place.topic, place.partition): place.offset for place in found if place.offset >= 0}

    def take(self, most: int, wait_s: float) -> list[Record]:
        """At most `most` records; waits up to `wait_s` for the first one, never for the others.

        Raises:
            KafkaFatal: this consumer can never work again.
        """
        messages: list[Message] = []
        if wait_s > 0:
            first = self._consumer.poll(wait_s)
            if first is None:
                self._after()
                return []
            messages.append(first)
        messages += self._consumer.consume(most - len(messages), 0)
        records = [record(message) for message in messages if message.error() is None]
        if len(records) < len(messages):
            for message in messages:
                if (error := message.error()) is not None:
                    self._erred(message, error)
        elif records:
            self._trouble.over()
        self._after()
        return records

    def commit(self, positions: Mapping[Partition, Position]) -> None:
        """Commit these, asynchronously; newer ones replace those not sent yet."""
        self._commits.want(positions)
        self._commits.send(self._consumer)

    def commit_now(self, positions: Mapping[Partition, Position], timeout: float) -> Mapping[Partition, Position]:
        """Commit and wait, while a rebalance refuses again for at most `timeout` seconds. Returns what is left over."""
        self._commits.want(positions)
        return self._commits.send_now(self._consumer, timeout)

    def commit_last(self, positions: Mapping[Partition, Position], timeout_s: float) -> bool:
        """Commit and wait as a member that ends, so not from within its listener. Returns whether all is committed.

        Unlike `commit_now` it never waits longer for a silent broker. What is consumed meanwhile is dropped.
        """
        self._commits.want(positions)
        until_s = time.monotonic() + timeout_s
        while self._commits.unsettled and time.monotonic() < until_s:
            self._commits.send(self._consumer)
            self._consumer.poll(_SETTLE_S)
        return not self._commits.unsettled

    def pause(self, partitions: Sequence[Partition]) -> None:
        """Take nothing from these for now. What was fetched ahead is dropped and fetched again."""
        self._consumer.pause(self._ours(partitions))

    def resume(self, partitions: Sequence[Partition]) -> None:
        """Take from these again."""
        self._consumer.resume(self._ours(partitions))

    def read_from(self, partition: Partition, offset: int | None) -> int:
        """Go on at this offset, or at the log's beginning; what was fetched ahead is dropped. Returns the offset.

        It is taken from then on, also if it was paused. Not from within the listener.

        Raises:
            KafkaBroken: the broker could not be asked.
        """
        begin = self._watermark(partition) if offset is None else offset
        self._assign_at(partition, begin)
        self._consumer.resume([TopicPartition(*partition)])  # it stays paused across assignments
        return begin

    def end(self, partition: Partition) -> int | None:
        """The offset behind the partition's last record, as of the last fetch; None before the first one."""
        found = self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)
        return found[1] if found[1] >= 0 else None

    def count(self, topic: str) -> int | None:
        """How many partitions the topic has; None where no broker says so within half a second."""
        try:
            return len(self._consumer.list_topics(topic, timeout=_COUNT_S).topics[topic].partitions)
        except KafkaException as exception:
            self._heard(error_of(exception))
            return None

    def close(self) -> None:
        """Leave, telling the listener nothing more: commit before. A static member's partitions wait for it."""
        self._leaving = True
        self._forget(list(self._assignment))
        last = [self._consumer]
        del self._consumer
        leave(last, static=self._static)
        if self._checkpoints is not None:
            self._checkpoints.close()

    def _after(self) -> None:
        if self._fatal is not None:
            raise KafkaFatal(self._fatal.str(), code=self._fatal.name())
        self._commits.send(self._consumer)

    def _ours(self, partitions: Sequence[Partition]) -> list[TopicPartition]:
        return [TopicPartition(*partition) for partition in partitions if partition in self._assignment]

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._leaving:
            # They go at once.
            consumer.incremental_assign([TopicPartition(*place, 0) for place in _places(partitions)])
            return
        places = _places(partitions)
        positions = starting_offsets(consumer, places, self._start, timeout_s=_ASK_S)
        self._assignment.update(places)
        self._commits.begin(positions)
        if self._checkpoints is not None:
            positions = self._checkpoints.newest(positions)
            self._commits.want(positions)
        consumer.incremental_assign([TopicPartition(*place, at.offset) for place, at in positions.items()])
        consumer.resume([TopicPartition(*place) for place in places])  # one that was paused when it left still is
        self._listener.assigned(positions)

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        places = [place for place in _places(partitions) if place in self._assignment]
        if places:
            self._listener.revoked(places)
            self._forget(places)

    def _lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        places = [place for place in _places(partitions) if place in self._assignment]
        if places:
            self._forget(places)
            self._listener.lost(places)

    def _forget(self, places: Sequence[Partition]) -> None:
        self._assignment.difference_update(places)
        self._commits.forget(places)

    def _heard(self, error: KafkaError) -> None:
        """Called by librdkafka about the client as a whole; it tries again by itself unless the error is fatal."""
        if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 # librdkafka's local code
            self._fatal = error
        else:
            self._trouble.met(error=error.str(), code=error.name())

    def _erred(self, message: Message, error: KafkaError) -> None:
        """An error in place of a record."""
        if error.code() in _NO_TROUBLE:
            return
        topic, partition = message.topic(), message.partition()
        if error.code() == KafkaError._AUTO_OFFSET_RESET and topic is not None and partition is not None:  # noqa: SLF001 # same
            self._to_the_beginning((topic, partition), message.offset(), error)
            return
        self._heard(error)

    def _to_the_beginning(self, place: Partition, wanted: int | None, error: KafkaError) -> None:
        if place not in self._assignment:
            return
        low = self._watermark(place)
        counters.add("offset_gaps")
        _log.error("gap in the log", topic=place[0], partition=place[1], wanted=wanted, begins=low, error=error.str())
        self._assign_at(place, low)
        if wanted is None or low < wanted:
            self._listener.rewound(place)

    def _assign_at(self, place: Partition, offset: int) -> None:
        try:
            # A seek is refused where the fetcher was stopped, until the partition is assigned again.
            self._consumer.incremental_unassign([TopicPartition(*place)])
            self._consumer.incremental_assign([TopicPartition(*place, offset)])
        except KafkaException as exception:
            raise broken(error_of(exception), f"going on at {offset} of {place[0]}-{place[1]}") from None

    def _watermark(self, place: Partition) -> int:
        try:
            found = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=_ASK_S)
        except KafkaException as exception:
            raise broken(error_of(exception), f"asking where {place[0]}-{place[1]} begins") from None
        return found[0]


def _places(partitions: Sequence[TopicPartition]) -> list[Partition]:
    return [(place.topic, place.partition) for place in partitions]
