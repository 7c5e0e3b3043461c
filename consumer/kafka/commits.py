"""Which offsets to commit, and when the next request may go.

The law: at most one commit is outstanding, and none follows another too soon; what is wanted meanwhile waits, the
newest offset of each partition replacing an older one; nothing is sent that is committed already or that another member
owns.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, TypeAlias

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.delivery import done_map
from consumer.delivery.offsets import Partition, Position
from consumer.kafka.client import error_of
from consumer.kafka.stamps import stamped
from consumer.telemetry.counters import counters
from consumer.telemetry.distributions import distributions
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")

# 260 full metadata maps in one request failed whole.
A_REQUEST: Final = 100
_AGAIN_AFTER_S: Final = 0.1
_HEARD_S: Final = 1.0  # a coordinator that refuses is asked again after a tenth of that
_NOT_THERE_YET: Final = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
_PERHAPS_MOST: Final = 8

_Place: TypeAlias = tuple[str, int, int, str]


class Keeping(Protocol):
    """Where what is wanted is kept until it is committed: see `Checkpoints`."""

    def keep(self, partition: Partition, position: Position, instead_of: Iterable[Position]) -> None:
        """This is wanted, where one of those others is or may be committed now."""

    def clear(self, partition: Partition) -> None:
        """What was wanted is committed."""


class Commits:
    """`owns` says whether a partition belongs to the current assignment, `ids` which topic is read of each.

    `accepted` counts requests. `metadata_most` is how many characters a position's metadata may have: half of what the
    broker last refused for its length. Two requests begin `every_s` apart, at least.
    """

    def __init__(
        self,
        *,
        owns: Callable[[Partition], bool],
        ids: Mapping[Partition, str] | None = None,
        checkpoints: Keeping | None = None,
        every_s: float = 0.0,
        metadata_most: int = done_map.MOST,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._owns = owns
        self._ids = {} if ids is None else ids
        self._checkpoints = checkpoints
        self._every_s = every_s
        self.metadata_most = metadata_most
        self._monotonic_s = monotonic_s
        self._sleep = sleep
        self._wanted: dict[Partition, Position] = {}
        self._committed: dict[Partition, Position] = {}
        self._perhaps: dict[Partition, list[Position]] = {}  # asked for since then, without an answer that says yes
        self._outstanding: dict[Partition, Position] | None = None
        self._asked: list[_Place] = []  # the whole of the outstanding request
        self._since_s: dict[Partition, float] = {}
        self._not_before_s = 0.0
        self._sent_s = float("-inf")
        self._refused_since_s = self._refused_last_s = float("-inf")
        self._took = distributions.of("hookline_commit_latency_seconds")
        self.accepted = 0
        self._failing = Outage(_log, "commits failing")

    @property
    def unsettled(self) -> bool:
        """Whether anything wanted is not known to be committed."""
        return bool(self._wanted) or self._outstanding is not None

    @property
    def late_s(self) -> float:
        """For how long something wanted has not been committed."""
        return self._monotonic_s() - min(self._since_s.values()) if self._since_s else 0.0

    @property
    def unanswered_s(self) -> float:
        """For how long the request that is under way has not been answered; 0 where there is none."""
        return 0.0 if self._outstanding is None else self._monotonic_s() - self._sent_s

    @property
    def refused_s(self) -> float:
        """For how long a coordinator has refused all that was asked, and done so within the last second; else 0."""
        now_s = self._monotonic_s()
        return now_s - self._refused_since_s if now_s - self._refused_last_s <= _HEARD_S else 0.0

    def begin(self, positions: Mapping[Partition, Position]) -> None:
        """These partitions were assigned, and this is committed of them."""
        self._committed.update(positions)

    def forget(self, partitions: Iterable[Partition]) -> None:
        """These partitions are no longer ours. What is still answered about them would be of an earlier assignment."""
        for partition in partitions:
            if self._outstanding is not None:
                self._outstanding.pop(partition, None)
            self._wanted.pop(partition, None)
            self._committed.pop(partition, None)
            self._perhaps.pop(partition, None)
            self._since_s.pop(partition, None)

    def want(self, positions: Mapping[Partition, Position]) -> None:
        """Commit these with the next request."""
        for partition, position in positions.items():
            if self._owns(partition) and self._committed.get(partition) != position:
                self._keep(partition, position)
                self._wanted[partition] = position
                if partition not in self._since_s:
                    self._since_s[partition] = self._monotonic_s()

    def send(self, consumer: Consumer, *, last: bool = False) -> None:
        """Send the next request, unless one is outstanding, the last one has just failed, or it is too soon.

        For the `last` ones of a member it is never too soon.
        """
        if not self._wanted or self._outstanding is not None or self._monotonic_s() < self._not_before_s:
            return
        if not last and self._monotonic_s() < self._sent_s + self._every_s:
            return
        batch = self._next_batch()
        places = self._places(batch)
        try:
            consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as exception:
            self._failed(batch, error_of(exception))
        else:
            self._outstanding, self._asked = batch, sorted(map(_place, places))
            self._sent_s = self._monotonic_s()

    def answered(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """The callback on_commit. An answer tells what it answers: one that `send_now` did not await may yet come."""
        if self._outstanding is None or sorted(map(_place, partitions)) != self._asked:
            return
        batch, self._outstanding = self._outstanding, None
        self._took.observe(self._monotonic_s() - self._sent_s)
        self._settle(batch, error, partitions)

    def send_now(self, consumer: Consumer, timeout_s: float) -> Mapping[Partition, Position]:
        """Send everything and wait for the answers; what a rebalance refuses is sent again. Returns what is left.

        An outstanding request is not waited for: the coordinator answers a member's requests in their order.
        """
        until_s = self._monotonic_s() + timeout_s
        if self._outstanding is not None:
            self._put_back(self._outstanding)
            self._outstanding = None
        while self._wanted:
            batch = self._next_batch()
            try:
                answer = consumer.commit(offsets=self._places(batch), asynchronous=False)
            except KafkaException as exception:
                self._failed(batch, error_of(exception))
            else:
                self._settle(batch, None, answer or [])
            if self._wanted and self._monotonic_s() >= until_s:
                break
            if self._not_before_s > self._monotonic_s():
                self._sleep(_AGAIN_AFTER_S / 2)
        return dict(self._wanted)

    def _keep(self, partition: Partition, position: Position) -> None:
        if self._checkpoints is None:
            return
        asked = None if self._outstanding is None else self._outstanding.get(partition)
        if position not in {asked, self._wanted.get(partition)}:
            known = (self._committed.get(partition), asked, *self._perhaps.get(partition, ()))
            self._checkpoints.keep(partition, position, [each for each in known if each is not None])

    def _clear(self, partition: Partition, position: Position) -> None:
        if self._checkpoints is not None and self._wanted.get(partition, position) == position:
            self._checkpoints.clear(partition)

    def _next_batch(self) -> dict[Partition, Position]:
        batch = {partition: self._wanted[partition] for partition in list(self._wanted)[:A_REQUEST]}
        for partition in batch:
            del self._wanted[partition]
        return batch

    def _settle(self, batch: dict[Partition, Position], error: KafkaError | None, answer: list[TopicPartition]) -> None:
        if error is not None:
            self._failed(batch, error)
            return
        told = {(place.topic, place.partition): place.error for place in answer if place.error is not None}
        refused = {partition: error for partition, error in told.items() if partition in batch}
        done = {partition: position for partition, position in batch.items() if partition not in refused}
        if done:
            self._refused_last_s = float("-inf")
            counters.add("commits")
            self.accepted += 1
            self._committed.update({partition: each for partition, each in done.items() if self._owns(partition)})
            for partition, position in done.items():
                self._perhaps.pop(partition, None)
                self._clear(partition, position)
                self._since_s.pop(partition, None)
                if partition in self._wanted:
                    self._since_s[partition] = self._monotonic_s()
        if refused:
            self._failed({partition: batch[partition] for partition in refused}, next(iter(refused.values())))
        else:
            self._failing.over()

    def _failed(self, batch: dict[Partition, Position], error: KafkaError) -> None:
        """While a rebalance runs, commits fail under the classic protocol: they are wanted again."""
        self._refused(error)
        counters.add("commits_failed", reason=error.name())
        self._failing.met(error=error.str())
        self._not_before_s = self._monotonic_s() + _AGAIN_AFTER_S
        if error.code() == KafkaError.OFFSET_METADATA_TOO_LARGE:
            # A broker may allow less than it said: then the offsets go alone, and what is told next is shorter.
            self.metadata_most = min(self.metadata_most, max(len(each.metadata) for each in batch.values()) // 2)
            batch = {partition: Position(position.offset) for partition, position in batch.items()}
        self._put_back(batch)

    def _refused(self, error: KafkaError) -> None:
        """One that does not answer, or has just begun to, tells nothing of the group."""
        now_s = self._monotonic_s()
        if error.code() < 0 or error.code() in _NOT_THERE_YET:
            self._refused_last_s = float("-inf")
            return
        if now_s - self._refused_last_s > _HEARD_S:
            self._refused_since_s = now_s
        self._refused_last_s = now_s

    def _places(self, batch: Mapping[Partition, Position]) -> list[TopicPartition]:
        return [
            TopicPartition(*place, at.offset, stamped(self._ids.get(place), at.metadata)) for place, at in batch.items()
        ]

    def _put_back(self, batch: Mapping[Partition, Position]) -> None:
        for partition, position in batch.items():
            if self._owns(partition):
                self._wanted.setdefault(partition, position)
                perhaps = self._perhaps.setdefault(partition, [])
                if position not in perhaps:
                    perhaps.append(position)
                    del perhaps[:-_PERHAPS_MOST]


def _place(place: TopicPartition) -> _Place:
    return place.topic, place.partition, place.offset, place.metadata or ""
