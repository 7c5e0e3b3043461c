"""A member of a consumer group: takes records, tells of partitions that come and go, commits.

The law: no record is passed over in silence. Where the log no longer holds the next record, or is another topic's than
before, reading goes on at the log's beginning, and the gap is counted and logged; librdkafka's own default, the log's
end, would lose what is between. Only partitions of the current assignment are ever committed: the broker would take a
former owner's commit over the new owner's.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from consumer.delivery import done_map
from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Record
from consumer.kafka.checkpoints import Checkpoints
from consumer.kafka.client import build, error_of
from consumer.kafka.commits import Commits
from consumer.kafka.following import Following
from consumer.kafka.heard import Heard
from consumer.kafka.leaving import leave
from consumer.kafka.listener import Listener
from consumer.kafka.log_ends import LogEnds
from consumer.kafka.membership import AT_ONCE, STATIC, Fetch, consumer_properties
from consumer.kafka.message import record
from consumer.kafka.placing import end_as_known, go_on_at, log_begins
from consumer.kafka.selection import Selection
from consumer.kafka.starting import Start, beginning
from consumer.kafka.waiting import first_message
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.telemetry.counters import counters

_log = structlog.get_logger("kafka")

_COUNT_S: Final = 0.5
_ANEW: Final = "the topic was made anew"
_SETTLE_S: Final = 0.02


class PartitionConsumer:
    """Owned by one thread, which also runs the listener. Nothing here blocks but `take`, `commit_now` and `close`.

    When `stop` is set `take` waits no longer.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        group: str,
        topics: Selection,
        instance: str | None,
        listener: Listener,
        start: Start = "earliest",
        fetch: Fetch = AT_ONCE,
        checkpoints: Checkpoints | None = None,
        metadata_most: int = done_map.MOST,
        stop: threading.Event | None = None,
    ) -> None:
        self._listener = listener
        self._stop = stop or threading.Event()
        self._dealt = False
        self._checkpoints = checkpoints
        self._start: Start = start
        self._group = group
        self._assignment: set[Partition] = set()
        self._following = Following(settings, topics, group)
        self._log_ends = LogEnds(self._following.admin, lambda: self.assignment)
        self._heard = Heard(group=group, foreign=topics.foreign, owns=self._assignment.__contains__)
        self._leaving = False
        self._commits = Commits(
            owns=self._assignment.__contains__,
            ids=self._following.ids,
            checkpoints=checkpoints,
            every_s=duration_ms(settings.commit_every) / 1_000,
            metadata_most=metadata_most,
        )
        properties = consumer_properties(settings, group=group, instance=instance, fetch=fetch)
        self._static = STATIC in properties
        opened = partial(Consumer, on_commit=self._commits.answered, error_cb=self._heard.client)
        self._consumer = build(opened, properties)
        self._subscribe(self._following.topics)

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions that are ours."""
        return frozenset(self._assignment)

    @property
    def joined(self) -> bool:
        """Whether the group has given this member its name. It may have no partitions."""
        return bool(self._consumer.memberid())

    @property
    def late_s(self) -> float:
        """For how long a commit that was asked for has not been accepted."""
        return self._commits.late_s

    @property
    def refused_s(self) -> float:
        """For how long a coordinator that answers has refused all that was asked."""
        return self._commits.refused_s

    @property
    def unanswered_s(self) -> float:
        """For how long a commit has been asked for in vain while nothing else was wrong.

        A coordinator answers a member's requests one after the other, and the one to join a group anew when all members
        are there, or given up: until then it answers no commit.
        """
        return min(self._commits.unanswered_s, self._heard.calm_s)

    @property
    def accepted(self) -> int:
        """How many commits were accepted, in whole or in part."""
        return self._commits.accepted

    @property
    def metadata_most(self) -> int:
        """How many characters a position's metadata may have, as far as the broker is known."""
        return self._commits.metadata_most

    @property
    def positions(self) -> Mapping[Partition, int]:
        """The offset of the next record of each partition; those without a position yet are missing."""
        found = self._consumer.position([TopicPartition(*partition) for partition in self._assignment])
        return {(place.topic, place.partition): place.offset for place in found if place.offset >= 0}

    def take(self, most: int, wait_s: float) -> list[Record]:
        """At most `most` records; waits up to `wait_s` for the first one, never for the others.

        Partitions that come or go end the wait, and so does the stop, within a fifth of a second.

        Raises:
            AccessDenied: an ACL is missing.
            KafkaFatal: this consumer can never work again.
        """
        self._before()
        messages: list[Message] = []
        if wait_s > 0:
            self._dealt = False
            first = first_message(self._consumer, wait_s, lambda: self._dealt or self._stop.is_set())
            if first is None:
                self._after()
                return []
            messages.append(first)
        messages += self._consumer.consume(most - len(messages), 0)
        records = [record(message) for message in messages if message.error() is None]
        if len(records) < len(messages):
            for message in messages:
                if (error := message.error()) is not None:
                    self._heard.in_place_of_a_record(message, error)
        elif records:
            self._heard.records()
        self._after()
        return records

    def ends(self) -> Mapping[Partition, int]:
        """Where the last `take` came to a log's end: what is before this offset was given, or is no record.

        Markers of transactions are none, and what an aborted one wrote.
        """
        return self._heard.ends

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
            self._commits.send(self._consumer, last=True)
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
        begin = log_begins(self._consumer, partition) if offset is None else offset
        self._heard.moved(partition)
        go_on_at(self._consumer, partition, begin)
        self._consumer.resume([TopicPartition(*partition)])  # it stays paused across assignments
        return begin

    def end(self, partition: Partition) -> int | None:
        """The offset behind the partition's last record, as of the last fetch; None before the first one."""
        return end_as_known(self._consumer, partition)

    def log_end(self, partition: Partition) -> int | None:
        """The same, and of a partition that is paused too: as it was a few seconds ago."""
        known = [end for end in (self.end(partition), self._log_ends.of(partition)) if end is not None]
        return max(known, default=None)

    def count(self, topic: str) -> int | None:
        """How many partitions the topic has; None where no broker says so within half a second."""
        try:
            return len(self._consumer.list_topics(topic, timeout=_COUNT_S).topics[topic].partitions)
        except KafkaException as exception:
            self._heard.client(error_of(exception))
            return None

    def close(self) -> None:
        """Leave, telling the listener nothing more: commit before. A static member's partitions wait for it."""
        self._leaving = True
        self._following.close()
        self._log_ends.close()
        self._forget(list(self._assignment))
        last = [self._consumer]
        del self._consumer
        leave(last, static=self._static)
        if self._checkpoints is not None:
            self._checkpoints.close()

    def _before(self) -> None:
        """What changes where a partition is read comes before the poll: no record of before is then given after it."""
        for place, (wanted, why) in self._heard.begin().items():
            self._to_the_beginning(place, wanted, why)
        changes = self._following.changes(self._assignment)
        if changes.topics is not None:
            _log.info("topics read", group=self._group, topics=list(changes.topics))
            self._subscribe(changes.topics)
        for place in changes.anew:
            self._to_the_beginning(place, None, _ANEW)

    def _subscribe(self, topics: tuple[str, ...]) -> None:
        if topics:
            self._consumer.subscribe(
                list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
        else:
            self._consumer.unsubscribe()

    def _after(self) -> None:
        self._heard.check()
        self._commits.send(self._consumer)

    def _ours(self, partitions: Sequence[Partition]) -> list[TopicPartition]:
        return [TopicPartition(*partition) for partition in partitions if partition in self._assignment]

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._dealt = True
        if self._leaving:
            # They go at once.
            consumer.incremental_assign([TopicPartition(*place, 0) for place in _places(partitions)])
            return
        places = _places(partitions)
        first = partial(self._following.first_ends, consumer, self._start)
        begins = beginning(consumer, places, self._following.assigned(places), first)
        positions = begins.positions
        self._assignment.update(places)
        self._commits.begin({place: positions[place] for place in begins.committed})
        if self._checkpoints is not None:
            positions = self._checkpoints.newest(positions)
        self._commits.want(positions)
        consumer.incremental_assign([TopicPartition(*place, at.offset) for place, at in positions.items()])
        consumer.resume([TopicPartition(*place) for place in places])  # one that was paused when it left still is
        self._listener.assigned(positions)
        for place, former in begins.anew.items():
            _gap(place, former.offset, positions[place].offset, _ANEW)
            self._listener.rewound(place)

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._dealt = True
        places = [place for place in _places(partitions) if place in self._assignment]
        if places:
            self._listener.revoked(places)
            self._forget(places)

    def _lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._dealt = True
        places = [place for place in _places(partitions) if place in self._assignment]
        if places:
            self._forget(places)
            self._listener.lost(places)

    def _forget(self, places: Sequence[Partition]) -> None:
        self._assignment.difference_update(places)
        self._commits.forget(places)
        self._following.forget(places)
        self._heard.forget(places)

    def _to_the_beginning(self, place: Partition, wanted: int | None, why: str) -> None:
        if place not in self._assignment:
            return
        self._commits.forget([place])
        low = log_begins(self._consumer, place)
        _gap(place, wanted, low, why)
        go_on_at(self._consumer, place, low)
        if wanted is None or low < wanted:
            self._listener.rewound(place)
            self._commits.want({place: Position(low)})


def _gap(place: Partition, wanted: int | None, begins: int, why: str) -> None:
    counters.add("offset_gaps")
    _log.error("gap in the log", topic=place[0], partition=place[1], wanted=wanted, begins=begins, error=why)


def _places(partitions: Sequence[TopicPartition]) -> list[Partition]:
    return [(place.topic, place.partition) for place in partitions]
