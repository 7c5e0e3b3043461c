from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.delivery.offsets import Partition, Position
from consumer.kafka import commits
from consumer.kafka.commits import Commits


class Answered(NamedTuple):
    """A TopicPartition with an error, which librdkafka alone can make."""

    topic: str
    partition: int
    offset: int
    metadata: str
    error: KafkaError | None


A, B, THEIRS = ("t", 0), ("t", 1), ("t", 2)


class Broker(Consumer):
    """Stands for the consumer: keeps what is committed, refuses when told to."""

    def __init__(self) -> None:
        super().__init__({"group.id": "g", "bootstrap.servers": ""})
        self.requests: list[dict[Partition, int]] = []
        self.metadata: list[list[str | None]] = []
        self.refusals: list[int] = []

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> list[TopicPartition] | None:  # type: ignore[override] # only the calls that are made
        if not asynchronous and self.refusals:
            raise KafkaException(KafkaError(self.refusals.pop()))
        self.requests.append({(place.topic, place.partition): place.offset for place in offsets})
        self.metadata.append([place.metadata for place in offsets])
        return None if asynchronous else offsets


def at(offsets: Mapping[Partition, int], metadata: str = "") -> dict[Partition, Position]:
    return {partition: Position(offset, metadata) for partition, offset in offsets.items()}


def answer(to: Commits, offsets: Mapping[Partition, int], error: int | None = None, *, metadata: str = "") -> None:
    places = [TopicPartition(*partition, offset, metadata) for partition, offset in offsets.items()]
    to.answered(None if error is None else KafkaError(error), places)


def test_one_request_is_outstanding_and_the_newest_offset_waits() -> None:
    broker, mine = Broker(), Commits(owns={A, B}.__contains__)
    mine.want(at({A: 1}))
    mine.send(broker)
    for offset in (2, 3):
        mine.want(at({A: offset, B: 7}))
        mine.send(broker)
    assert broker.requests == [{A: 1}]
    answer(mine, {A: 1})
    mine.send(broker)
    assert broker.requests == [{A: 1}, {A: 3, B: 7}]


def test_what_is_committed_or_another_members_is_not_sent() -> None:
    broker, mine = Broker(), Commits(owns={A, B}.__contains__)
    mine.begin(at({A: 5, B: 0}))
    mine.want(at({A: 5, THEIRS: 9}))
    mine.send(broker)
    assert broker.requests == []


def test_a_failed_commit_is_sent_again_unless_a_newer_one_is_wanted() -> None:
    broker, mine = Broker(), Commits(owns={A, B}.__contains__)
    mine.want(at({A: 1, B: 1}))
    mine.send(broker)
    mine.want(at({A: 2}))
    answer(mine, {A: 1, B: 1}, KafkaError.REBALANCE_IN_PROGRESS)
    assert mine.send_now(broker, 1.0) == {}
    assert broker.requests[-1] == {A: 2, B: 1}


def test_a_partition_that_went_is_not_committed_any_more() -> None:
    owned = {A, B}
    broker, mine = Broker(), Commits(owns=owned.__contains__)
    mine.want(at({A: 1, B: 1}))
    owned.remove(B)
    mine.forget([B])
    mine.send(broker)
    assert broker.requests == [{A: 1}]


def test_a_rebalance_that_refuses_is_outlasted() -> None:
    broker, mine = Broker(), Commits(owns={A}.__contains__)
    broker.refusals = [KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS]
    mine.want(at({A: 4}))
    assert mine.send_now(broker, 5.0) == {}
    assert broker.requests == [{A: 4}]


def test_what_is_refused_to_the_end_is_told() -> None:
    broker, mine = Broker(), Commits(owns={A}.__contains__)
    broker.refusals = [KafkaError.ILLEGAL_GENERATION] * 50
    mine.want(at({A: 4}))
    assert mine.send_now(broker, 0.05) == at({A: 4})


def test_an_outstanding_commit_is_sent_again_with_what_is_to_be_waited_for() -> None:
    broker, mine = Broker(), Commits(owns={A, B}.__contains__)
    mine.want(at({A: 1}))
    mine.send(broker)
    mine.want(at({B: 2}))
    assert mine.send_now(broker, 1.0) == {}
    assert broker.requests == [{A: 1}, {B: 2, A: 1}]


def test_a_request_holds_a_hundred_partitions() -> None:
    broker, mine = Broker(), Commits(owns=lambda _: True)
    mine.want(at({("t", number): 1 for number in range(250)}))
    assert mine.send_now(broker, 1.0) == {}
    assert [len(request) for request in broker.requests] == [commits.A_REQUEST, commits.A_REQUEST, 50]


def test_a_map_goes_with_its_offset_and_a_new_map_alone_is_worth_a_commit() -> None:
    broker, mine = Broker(), Commits(owns={A}.__contains__)
    for metadata in ("one", "two", "two"):
        mine.want(at({A: 1}, metadata))
        mine.send(broker)
        if mine._outstanding:
            answer(mine, {A: 1}, metadata=metadata)
    assert broker.metadata == [["one"], ["two"]]


def test_where_the_broker_takes_no_such_metadata_the_offset_goes_alone() -> None:
    broker, mine = Broker(), Commits(owns={A}.__contains__)
    mine.want(at({A: 1}, "a map"))
    broker.refusals = [KafkaError.OFFSET_METADATA_TOO_LARGE]
    assert mine.send_now(broker, 1.0) == {}
    assert broker.metadata == [[""]]


def test_what_may_be_told_is_half_of_what_the_broker_refused_and_never_more_again() -> None:
    now_s = [100.0]

    def sleep(time_s: float) -> None:
        now_s[0] += time_s

    broker = Broker()
    mine = Commits(owns={A, B}.__contains__, monotonic_s=lambda: now_s[0], sleep=sleep)
    for length, left in ((4_064, 2_032), (4_000, 2_000), (300, 150), (1_000, 150)):
        mine.want({A: Position(length, "x" * length), B: Position(length, "short")})
        broker.refusals = [KafkaError.OFFSET_METADATA_TOO_LARGE]
        assert mine.send_now(broker, 1.0) == {}
        assert mine.metadata_most == left


def test_two_requests_begin_so_far_apart_but_the_last_ones() -> None:
    now_s = [100.0]
    broker, mine = Broker(), Commits(owns={A}.__contains__, every_s=0.5, monotonic_s=lambda: now_s[0])
    for offset in (1, 2):
        mine.want(at({A: offset}))
        mine.send(broker)
    answer(mine, {A: 1})
    now_s[0] += 0.4
    mine.send(broker)
    assert broker.requests == [{A: 1}]
    now_s[0] += 0.11
    mine.send(broker)
    assert broker.requests == [{A: 1}, {A: 2}]
    answer(mine, {A: 2})
    mine.want(at({A: 3}))
    mine.send(broker, last=True)
    assert broker.requests[-1] == {A: 3}


def test_a_request_is_unanswered_from_when_it_was_sent_until_any_answer_comes() -> None:
    now_s = [100.0]
    broker, mine = Broker(), Commits(owns={A}.__contains__, monotonic_s=lambda: now_s[0])
    mine.want(at({A: 1}))
    assert mine.unanswered_s == 0
    mine.send(broker)
    now_s[0] += 5
    assert mine.unanswered_s == 5
    answer(mine, {A: 1}, KafkaError.REBALANCE_IN_PROGRESS)
    assert mine.unanswered_s == 0
    now_s[0] += 1
    mine.send(broker)
    now_s[0] += 2
    assert mine.unanswered_s == 2


def test_it_is_late_from_when_something_was_wanted_until_that_is_committed() -> None:
    now_s = [100.0]
    broker, mine = Broker(), Commits(owns={A, B}.__contains__, monotonic_s=lambda: now_s[0])
    assert mine.late_s == 0
    mine.want(at({A: 1}))
    mine.send(broker)
    now_s[0] += 2
    mine.want(at({A: 2, B: 1}))
    answer(mine, {A: 1}, KafkaError.REBALANCE_IN_PROGRESS)
    now_s[0] += 1
    assert mine.late_s == 3  # a refused one is wanted as long as ever
    mine.send(broker)
    mine.want(at({A: 3}))
    answer(mine, {A: 2, B: 1})
    assert mine.late_s == 0  # what was wanted meanwhile counts from here
    now_s[0] += 1
    assert mine.late_s == 1
    mine.forget([A])
    assert mine.late_s == 0


def test_it_is_refused_as_long_as_a_coordinator_that_answers_refuses_everything() -> None:
    now_s = [100.0]
    broker, mine = Broker(), Commits(owns={A}.__contains__, monotonic_s=lambda: now_s[0])

    def refused(error: int | None, after_s: float = 0.5) -> float:
        now_s[0] += after_s
        mine.want(at({A: int(now_s[0] * 10)}))
        mine.send(broker)
        answer(mine, broker.requests[-1], error)
        return mine.refused_s

    assert mine.refused_s == 0
    assert [refused(KafkaError.REBALANCE_IN_PROGRESS) for _ in range(3)] == [0, 0.5, 1]
    now_s[0] += 1.1
    assert mine.refused_s == 0, "nobody has answered for a second"
    assert [refused(KafkaError.ILLEGAL_GENERATION, after_s) for after_s in (0.0, 1.0)] == [0, 1]
    for away in (KafkaError._TIMED_OUT, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, None):
        assert refused(KafkaError.ILLEGAL_GENERATION) > 0
        assert refused(away) == 0
        assert refused(KafkaError.ILLEGAL_GENERATION) == 0, "it begins anew"


def test_the_answer_to_a_commit_of_an_earlier_assignment_changes_nothing() -> None:
    """Else the partition, ours again and further on, would be committed back to where it was."""
    for error in (None, KafkaError.REBALANCE_IN_PROGRESS):
        broker, mine = Broker(), Commits(owns={A, B}.__contains__)
        mine.want(at({A: 1, B: 1}))
        mine.send(broker)
        mine.forget([A])
        mine.begin(at({A: 5}))
        answer(mine, {A: 1, B: 1}, error)
        assert mine.send_now(broker, 1.0) == {}
        assert all(request.get(A) is None for request in broker.requests[1:])
        mine.want(at({A: 5}))
        assert not mine.unsettled


def test_one_partition_of_an_earlier_assignment_is_refused_and_the_others_are_committed() -> None:
    broker, mine = Broker(), Commits(owns={A, B}.__contains__)
    mine.want(at({A: 1, B: 1}))
    mine.send(broker)
    mine.forget([A])
    refused = KafkaError(KafkaError.ILLEGAL_GENERATION)
    mine.answered(None, cast("list[TopicPartition]", [Answered(*A, 1, "", refused), Answered(*B, 1, "", None)]))
    assert not mine.unsettled


def test_the_answer_that_was_not_waited_for_is_not_taken_for_that_of_the_next_request() -> None:
    broker, mine = Broker(), Commits(owns={A, B}.__contains__)
    mine.want(at({A: 1}))
    mine.send(broker)
    assert mine.send_now(broker, 1.0) == {}
    mine.want(at({B: 1}))
    mine.send(broker)
    answer(mine, {A: 1})
    assert mine.unsettled  # B is not known to be committed
    answer(mine, {B: 1})
    assert not mine.unsettled


class Kept:
    """What would be on the disk."""

    def __init__(self) -> None:
        self.all: list[tuple[Partition, Position | None, list[Position]]] = []

    def keep(self, partition: Partition, position: Position, instead_of: Iterable[Position]) -> None:
        self.all.append((partition, position, list(instead_of)))

    def clear(self, partition: Partition) -> None:
        self.all.append((partition, None, []))


def test_what_is_wanted_is_kept_with_all_that_may_be_committed_meanwhile() -> None:
    broker, kept = Broker(), Kept()
    mine = Commits(owns={A, B}.__contains__, checkpoints=kept)
    mine.begin(at({A: 1}))
    mine.want(at({A: 2, THEIRS: 9}))
    mine.send(broker)
    mine.want(at({A: 2}))  # said already
    mine.want(at({A: 3}))
    answer(mine, {A: 2})
    mine.want(at({A: 3}))
    mine.send(broker)
    mine.want(at({A: 4, B: 7}))
    one, two, three, four, seven = (Position(offset) for offset in (1, 2, 3, 4, 7))
    assert kept.all == [(A, two, [one]), (A, three, [one, two]), (A, four, [two, three]), (B, seven, [])]


def test_a_commit_whose_answer_was_lost_may_be_what_is_committed() -> None:
    broker, kept = Broker(), Kept()
    mine = Commits(owns={A}.__contains__, checkpoints=kept)
    mine.begin(at({A: 1}))
    mine.want(at({A: 2}))
    mine.send(broker)
    answer(mine, {A: 2}, KafkaError._TRANSPORT)
    mine.want(at({A: 3}))
    one, two, three, four, five = (Position(offset) for offset in (1, 2, 3, 4, 5))
    assert kept.all[-1] == (A, three, [one, two])
    assert mine.send_now(broker, 1.0) == {}
    mine.want(at({A: 4}))
    assert kept.all[-1] == (A, four, [three])
    mine.send(broker)
    broker.refusals = [KafkaError._TRANSPORT]
    mine.send_now(broker, 0.0)  # not waited for, and sent again
    mine.want(at({A: 5}))
    assert kept.all[-1] == (A, five, [three, four])


def test_what_may_be_committed_is_bounded_while_every_commit_fails() -> None:
    broker, kept, now_s = Broker(), Kept(), 0.0
    mine = Commits(owns={A}.__contains__, checkpoints=kept, monotonic_s=lambda: now_s)
    mine.begin(at({A: 0}))
    for offset in range(1, 100):
        mine.want(at({A: offset}))
        mine.send(broker)
        answer(mine, {A: offset}, KafkaError._TRANSPORT)
        now_s += 1.0
    assert kept.all[-1] == (A, Position(99), [Position(offset) for offset in (0, *range(91, 99))])


def test_what_is_kept_is_cleared_when_it_is_committed_and_not_before() -> None:
    broker, kept = Broker(), Kept()
    mine = Commits(owns={A, B}.__contains__, checkpoints=kept)
    mine.want(at({A: 2, B: 2}))
    mine.send(broker)
    mine.want(at({B: 3}))
    answer(mine, {A: 2, B: 2})
    assert [place for place, position, _ in kept.all if position is None] == [A]
    mine.send(broker)
    answer(mine, {B: 3}, KafkaError.ILLEGAL_GENERATION)
    assert [place for place, position, _ in kept.all if position is None] == [A]
    assert mine.send_now(broker, 1.0) == {}
    assert [place for place, position, _ in kept.all if position is None] == [A, B]
