"""The consumer that Worker is given: it takes records, hears of partitions that come and go, commits.

The law is PartitionConsumer's: only what is assigned is read, paused or committed; where the log no longer holds the
next record, reading goes on at the log's beginning. Which commits are sent when is decided by the real Commits.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.delivery.done_map import decode as read_map
from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Record
from consumer.kafka.checkpoints import Checkpoints
from consumer.kafka.commits import Commits
from consumer.kafka.listener import Listener
from tests.simulation.broker import Broker
from tests.simulation.checker import is_full
from tests.simulation.faults import Faults
from tests.simulation.group import Group
from tests.simulation.ledger import Session
from tests.simulation.ports import Life

_REQUEST_TIMEOUT_MS = 2_000


@dataclass(frozen=True, slots=True)
class _Answered:
    """A partition in a commit's answer, as confluent-kafka's TopicPartition."""

    topic: str
    partition: int
    offset: int
    metadata: str
    error: KafkaError | None


class SimulatedConsumer:
    """A member of a group. `ran` is told of each record given to the core, `committed` of what the broker took."""

    def __init__(
        self,
        life: Life,
        group: Group,
        broker: Broker,
        faults: Faults,
        dice: random.Random,
        *,
        listener: Listener,
        checkpoints: Checkpoints,
        map_most: int,
        is_drained: Callable[[], bool],
        ran: Callable[[Session, Record], None],
        committed: Callable[[Partition, Position], None],
        disturbed: Callable[[Iterable[Partition]], None],
    ) -> None:
        self._life = life
        self._ends: dict[Partition, int] = {}
        self._group = group
        self._broker = broker
        self._faults = faults
        self._dice = dice
        self._listener = listener
        self._checkpoints = checkpoints
        self._is_drained = is_drained
        self._ran = ran
        self._committed = committed
        self._disturbed = disturbed
        self._next: dict[Partition, int] = {}
        self._unread: set[Partition] = set()  # where the log may go on: of the others nothing can come
        self._untold: set[Partition] = set()  # at whose end it came to, and was not asked for since
        self._sessions: dict[Partition, Session] = {}
        self._paused: set[Partition] = set()
        self._answers: list[tuple[KafkaError | None, list[_Answered]]] = []
        self._all_committed = False
        self._arrives_ms = 0
        self._commits = Commits(
            owns=self._next.__contains__,
            checkpoints=checkpoints,
            metadata_most=map_most,
            monotonic_s=lambda: life.timeline.now_ms / 1_000,
            sleep=lambda wait_s: life.pass_time(int(wait_s * 1_000)),
        )
        self.name = life.name
        self.to_assign: set[Partition] = set()
        self.to_revoke: set[Partition] = set()
        self.to_lose: set[Partition] = set()
        group.join(self)

    # ── as the group sees it ─────────────────────────────────────────────────────────────────────────────────────

    def wake(self) -> None:
        """The group asks something of it."""
        self._life.wake(0)

    @property
    def has_more(self) -> bool:
        """Whether a `take` would find something."""
        logs, paused, following = self._broker.logs, self._paused, self._next
        return any(place not in paused and logs[place].end != following[place] for place in self._unread)

    def appended(self, partition: Partition) -> None:
        """A record came to this partition."""
        if partition in self._next:
            self._unread.add(partition)

    def reads(self, partition: Partition) -> bool:
        """Whether it is assigned and not paused."""
        return partition in self._next and partition not in self._paused

    def behind(self, positions: Mapping[Partition, Position]) -> bool:
        """Whether any of these is not what the broker has, or a request is still to be sent or answered."""
        if self._commits.unsettled:
            return True
        position_of, group = self._broker.position, self._group.name
        for partition, position in positions.items():
            if position_of(group, partition) != position and partition in self._next:
                return True
        return False

    # ── PartitionConsumer ────────────────────────────────────────────────────────────────────────────────────────

    def session(self, partition: Partition) -> Session:
        """The assignment under which it is read."""
        return self._sessions[partition]

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions that are ours."""
        return frozenset(self._next)

    @property
    def late_s(self) -> float:
        """For how long a commit was asked for in vain."""
        return self._commits.late_s

    @property
    def refused_s(self) -> float:
        """For how long the coordinator has answered, and refused."""
        return self._commits.refused_s

    @property
    def unanswered_s(self) -> float:
        """For how long the commit under way has not been answered; it is answered within the request's timeout."""
        return self._commits.unanswered_s

    @property
    def metadata_most(self) -> int:
        """How many characters a position's metadata may have."""
        return self._commits.metadata_most

    @property
    def accepted(self) -> int:
        """How many commits were accepted."""
        return self._commits.accepted

    def take(self, most: int, wait_s: float) -> list[Record]:
        """At most so many records, and whatever the group has to say."""
        del wait_s
        self._life.call()
        self._hear()
        records: list[Record] = []
        self._ends = {}
        if self._broker.down_until_ms <= self._life.timeline.now_ms:
            partitions = self._readable()
            self._dice.shuffle(partitions)
            for partition in partitions:
                if len(records) < most:
                    records += self._read(partition, most - len(records))
            self._ends = self._reached()
        self._commits.send(cast("Consumer", self))
        return records

    def ends(self) -> Mapping[Partition, int]:
        """Where the last `take` came to a log's end, of those that were not told of: to tell it again has no effect."""
        return self._ends

    def commit(  # two methods of two classes: PartitionConsumer's, and confluent-kafka's as Commits calls it
        self,
        positions: Mapping[Partition, Position] | None = None,
        *,
        offsets: Sequence[TopicPartition] = (),
        asynchronous: bool = True,
    ) -> list[_Answered] | None:
        """Commit these, as PartitionConsumer; `offsets` are Commits' own request."""
        self._life.call()
        if positions is not None:
            self._commits.want(positions)
            self._commits.send(cast("Consumer", self))
            return None
        batch = {(each.topic, each.partition): Position(each.offset, each.metadata or "") for each in offsets}
        # One connection: no request overtakes an earlier one.
        now_ms = self._life.timeline.now_ms
        self._arrives_ms = max(self._arrives_ms, now_ms + self._dice.randrange(1, 15))
        if asynchronous:
            self._life.timeline.after(self._arrives_ms - now_ms, lambda: self._arrive(batch))
            return None
        while (left_ms := self._arrives_ms - self._life.timeline.now_ms) > 0:
            self._life.pass_time(left_ms)
        error, answer = self._answer(batch)
        if error is not None:
            raise KafkaException(error)
        return answer

    def commit_now(self, positions: Mapping[Partition, Position], timeout: float) -> Mapping[Partition, Position]:
        """Commit and wait."""
        self._commits.want(positions)
        left_over = self._commits.send_now(cast("Consumer", self), timeout)
        self._all_committed = not left_over
        return left_over

    def commit_last(self, positions: Mapping[Partition, Position], timeout_s: float) -> bool:
        """Commit and wait, as a member that ends."""
        self._commits.want(positions)
        until_ms = self._life.timeline.now_ms + int(timeout_s * 1_000)
        while self._commits.unsettled and self._life.timeline.now_ms < until_ms:
            self._commits.send(cast("Consumer", self))
            self._life.pass_time(20)
            self._hear_answers()
        self._all_committed = not self._commits.unsettled
        return self._all_committed

    def pause(self, partitions: Sequence[Partition]) -> None:
        """Take nothing from these."""
        self._life.call()
        self._paused.update(partition for partition in partitions if partition in self._next)

    def resume(self, partitions: Sequence[Partition]) -> None:
        """Take from these again."""
        self._life.call()
        self._paused.difference_update(partitions)

    def close(self) -> None:
        """Leave."""
        self._ended_clean(sorted(self._next))
        self._forget(sorted(self._next))

    # ── partitions that come and go ──────────────────────────────────────────────────────────────────────────────

    def _hear_answers(self) -> None:
        answers, self._answers = self._answers, []
        for error, places in answers:
            self._commits.answered(error, cast("list[TopicPartition]", places))

    def _hear(self) -> None:
        self._hear_answers()
        if self._life.timeline.now_ms < self._life.zombie_until_ms:
            return
        if self._group.members.get(self.name) is not self:
            self._lose(sorted(self._next))
            if self._life.alive:
                self._group.join(self)
        if self.to_lose:
            losing, self.to_lose = sorted(self.to_lose), set()
            self._lose(losing)
        if self.to_revoke:
            going, self.to_revoke = sorted(self.to_revoke & set(self._next)), set()
            self._revoke(going)
            self._group.returned(self, going)
        if self.to_assign:
            coming, self.to_assign = sorted(self.to_assign - set(self._next)), set()
            self._assign([partition for partition in coming if self._group.owns(self, partition)])

    def _assign(self, partitions: Sequence[Partition]) -> None:
        committed = {partition: self._broker.position(self._group.name, partition) for partition in partitions}
        self._commits.begin(committed)
        positions = self._checkpoints.newest(committed)
        told_most, most = self._broker.told_most, self._commits.metadata_most
        for partition, position in positions.items():
            self._next[partition] = position.offset
            self._unread.add(partition)
            self._sessions[partition] = Session(
                partition,
                self.name,
                position.offset,
                read_map(position.metadata, position.offset),
                full=is_full(position.metadata, told_most.get((self._group.name, partition), most)),
            )
        self._commits.want(positions)
        if positions:
            self._listener.assigned(positions)

    def _revoke(self, partitions: Sequence[Partition]) -> None:
        if not partitions:
            return
        self._all_committed = False
        before, self._life.waiting = self._life.waiting, True
        self._listener.revoked(partitions)
        self._life.waiting = before
        self._ended_clean(partitions)
        self._forget(partitions)

    def _ended_clean(self, partitions: Sequence[Partition]) -> None:
        if self._all_committed and self._is_drained():
            for partition in partitions:
                self._sessions[partition].clean = True

    def _lose(self, partitions: Sequence[Partition]) -> None:
        self._forget(partitions)
        if partitions:
            self._faults.met("partitions lost")
            self._listener.lost(partitions)

    def _forget(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self._next.pop(partition, None)
            self._unread.discard(partition)
            self._untold.discard(partition)
            self._sessions.pop(partition, None)
            self._paused.discard(partition)
        self._commits.forget(partitions)

    # ── reading and committing ───────────────────────────────────────────────────────────────────────────────────

    def _readable(self) -> list[Partition]:
        """The partitions that may be read and have more. Who has none is looked at again when a record came."""
        if not self._unread:
            return []
        logs, following = self._broker.logs, self._next
        ended = [place for place in self._unread if logs[place].end == following[place]]
        self._unread.difference_update(ended)
        self._untold.update(ended)
        return sorted(self._unread - self._paused)

    def _reached(self) -> dict[Partition, int]:
        logs, following = self._broker.logs, self._next
        self._untold.update(place for place in self._unread if logs[place].end == following[place])
        if not self._untold:
            return {}
        ends = {
            place: offset
            for place, offset in following.items()
            if place in self._untold and place not in self._paused and logs[place].end == offset
        }
        self._untold.difference_update(ends)
        return ends

    def _read(self, partition: Partition, most: int) -> Sequence[Record]:
        log = self._broker.logs[partition]
        offset = self._next[partition]
        if offset < log.start or offset > log.end:
            offset = log.start
        records = log.read(offset, min(most, self._dice.randrange(1, 400)))
        self._next[partition] = offset + len(records)
        session = self._sessions[partition]
        for record in records:
            self._ran(session, record)
        return records

    def _arrive(self, batch: Mapping[Partition, Position]) -> None:
        error, answer = self._answer(batch)
        wait_ms = self._dice.randrange(1, 15)
        if error is not None and error.code() == KafkaError.REQUEST_TIMED_OUT:
            wait_ms = _REQUEST_TIMEOUT_MS
        if error is not None:
            answer = [_Answered(*partition, *position, error) for partition, position in batch.items()]
        self._life.later(wait_ms, lambda: self._answers.append((error, answer)))

    def _answer(self, batch: Mapping[Partition, Position]) -> tuple[KafkaError | None, list[_Answered]]:
        """What the coordinator does with a request; what it takes is committed even if nobody hears of it."""
        faults, dice = self._faults, self._dice
        is_zombie = self._group.members.get(self.name) is not self
        down = self._broker.down_until_ms > self._life.timeline.now_ms
        if down or faults.strikes(dice, 0.02):
            faults.met("commit timed out")
            return KafkaError(KafkaError.REQUEST_TIMED_OUT), []
        if is_zombie and dice.random() < 0.5:
            faults.met("zombie's commit refused")
            return KafkaError(KafkaError.UNKNOWN_MEMBER_ID), []
        if self._group.rebalancing and faults.strikes(dice, 0.2):
            faults.met("commit refused in a rebalance")
            return KafkaError(KafkaError.ILLEGAL_GENERATION), []
        if is_zombie:
            faults.met("zombie's commit taken")
            self._disturbed(batch)
        partial = faults.strikes(dice, 0.03)
        answer: list[_Answered] = []
        for number, (partition, position) in enumerate(sorted(batch.items())):
            error: KafkaError | None = None
            if len(position.metadata) > self._broker.metadata_most:
                faults.met("commit's map too long")
                error = KafkaError(KafkaError.OFFSET_METADATA_TOO_LARGE)
            elif partial and number % 2 == 1:
                faults.met("commit taken in part")
                error = KafkaError(KafkaError.REBALANCE_IN_PROGRESS)
            else:
                self._broker.commit(self._group.name, partition, position)
                self._broker.told_most[self._group.name, partition] = self._commits.metadata_most
                self._committed(partition, position)
            answer.append(_Answered(*partition, *position, error))
        if faults.strikes(dice, 0.02):
            faults.met("commit's answer lost")
            return KafkaError(KafkaError.REQUEST_TIMED_OUT), []
        return None, answer
