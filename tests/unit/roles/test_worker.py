"""The loop of a delivery process, between fakes of Kafka and the network."""

from collections.abc import Sequence

import pytest

from consumer.delivery.answer import Answer
from consumer.delivery.core import Core
from consumer.delivery.hold import Leader
from consumer.delivery.limits import START_AT_ONCE
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.step import Step, Write
from consumer.events.event import Poison, Tombstone
from consumer.kafka.client import KafkaBroken
from consumer.kafka.producer import Produced, Refused
from consumer.kafka.tickets import Ticket
from tests.deliveries import NOW_MS, rules, target_of
from tests.worker_stage import Acknowledging, Attempts, Consumer, Network, Records, Time, end_one, worker_of


def test_the_brokers_clock_is_never_taken_to_be_ahead() -> None:
    """What was acknowledged half a second after the turn began is dated by then, or retries leave so much early."""
    time, leader = Time(), ("t.retry.1s", 0, 1)
    acknowledging = Records(time)
    core = Core(rules(), decode=lambda _: Tombstone(), target=target_of)
    worker = worker_of(core, time, records=acknowledging, attempts=Attempts(), network=Network(), consumer=Consumer())
    clocks = worker._parts.clocks
    clocks.read(leader, 0, NOW_MS - 60_000, NOW_MS)
    worker._acknowledge()
    clocks.read(leader, 7, NOW_MS, NOW_MS + 60_000)
    assert clocks.skew_ms(leader) == -1


def test_a_signature_has_the_walls_time_and_timers_have_one_that_never_goes_back() -> None:
    """Else a wall clock that is set back by an hour leaves signatures in the future for two hours."""
    seen: list[tuple[int, int | None]] = []

    class Told(Core):
        def next(self, now_ms: int, steady_ms: int, *, wall_ms: int | None = None, most: int = START_AT_ONCE) -> Step:
            seen.append((now_ms, wall_ms))
            return super().next(now_ms, steady_ms, wall_ms=wall_ms, most=most)

    time = Time(now_s=NOW_MS / 1_000 + 3_600)
    core = Told(rules(), decode=lambda _: Tombstone(), target=target_of)
    worker = worker_of(
        core,
        time,
        records=Records(time, polls=1, takes_s=0),
        attempts=Attempts(),
        network=Network(),
        consumer=Consumer(),
    )
    time.now_s -= 3_600
    worker._start()
    [(now_ms, wall_ms)] = seen
    assert now_ms > NOW_MS + 1_000_000
    assert wall_ms == NOW_MS


def test_what_is_sealed_is_written_to_the_log_before() -> None:
    """Else a crash between the commit and the next turn leaves a delivered event without its attempt record."""
    happened: list[str] = []

    class Sealing(Core):
        def next(self, now_ms: int, steady_ms: int, *, wall_ms: int | None = None, most: int = START_AT_ONCE) -> Step:
            happened.append("written")
            return super().next(now_ms, steady_ms, wall_ms=wall_ms, most=most)

        def changed_positions(self) -> dict[Partition, Position]:
            happened.append("sealed")
            return super().changed_positions()

    class Log(Acknowledging):
        def ticket(self) -> Ticket:
            happened.append("ticket")
            return super().ticket()

    class Hearing(Network):
        def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
            happened.append("answered")
            return ()

    time = Time()
    core = Sealing(rules(), decode=lambda _: Tombstone(), target=target_of)
    end_one(core, 0)
    worker = worker_of(
        core,
        time,
        records=Records(time, polls=1),
        attempts=Log(acknowledged=True),
        network=Hearing(),
        consumer=Consumer(),
    )
    worker._turn()
    assert happened == ["written", "sealed", "ticket", "answered"]


def test_nothing_is_begun_while_what_ended_is_not_recorded() -> None:
    """A crash repeats what is not recorded: a quarter of a second at most, whatever ails the broker."""
    asked: list[bool] = []

    class Asked(Core):
        def next(self, now_ms: int, steady_ms: int, *, wall_ms: int | None = None, most: int = START_AT_ONCE) -> Step:
            asked.append(most > 0)
            return super().next(now_ms, steady_ms, wall_ms=wall_ms, most=most)

    time, consumer, attempts = Time(), Consumer(), Acknowledging()
    core = Asked(rules(), decode=lambda _: Tombstone(), target=target_of)
    end_one(core, 0)
    worker = worker_of(
        core, time, records=Records(time, polls=1, takes_s=0), attempts=attempts, network=Network(), consumer=consumer
    )
    for consumer.late_s, consumer.refused_s in ((0.2, 0.1), (0.3, 0.2), (4.1, 4.1), (0.0, 0.0)):
        worker._turn()
    assert asked == [True, False, True, True]  # a rebalance that refuses commits for seconds holds up no longer
    time.now_s += 0.1
    end_one(core, 1)
    attempts.acknowledged = False  # of what is sealed now, the log has not everything
    worker._turn()
    for _ in range(3):
        time.now_s += 0.15
        worker._turn()
    attempts.acknowledged = True
    worker._turn()
    worker._turn()
    assert asked[5:] == [True, False, False, False, True]


@pytest.mark.parametrize(("size", "ends"), [(1_000_000, True), (None, True), (1_000_001, False)])
def test_only_what_no_fit_topic_need_take_is_written_as_a_stub(size: int | None, ends: bool) -> None:
    """A topic that somebody made too small is the installation's own fault, and loses nothing."""

    class Refusing(Records):
        def poll(self) -> list[Produced]:
            return [Refused(token=1, reason="Broker: Message size too large", too_large_bytes=size)]

    class Told(Core):
        def refused(self, now_ms: int, token: int, size: int) -> Write:
            told.append((token, size))
            return super().refused(now_ms, token, size)

    time, told = Time(), list[tuple[int, int]]()
    core = Told(rules(), decode=lambda _: Poison(reason="too_large", detail=""), target=target_of)
    end_one(core, 0)
    worker = worker_of(core, time, records=Refusing(time), attempts=Attempts(), network=Network(), consumer=Consumer())
    if ends:
        with pytest.raises(KafkaBroken, match="too large"):
            worker._acknowledge()
    else:
        worker._acknowledge()
    assert told == ([] if ends else [(1, size)])


def test_a_second_time_is_not_asked_for_while_kafka_has_not_answered_the_first() -> None:
    """The producer knows its records by their tokens: it refuses a second one under a token that is not answered."""
    asked: list[int] = []

    class Silent(Records):
        def poll(self) -> list[Produced]:
            return []

        def write(self, token: int, **_record: object) -> None:
            asked.append(token)

    class Holding(Core):
        @property
        def held(self) -> frozenset[Leader]:
            return frozenset({("t.retry.1s", 0, 1)})

    time = Time()
    records = Silent(time)
    core = Holding(rules(), decode=lambda _: Tombstone(), target=target_of)
    worker = worker_of(core, time, records=records, attempts=Attempts(), network=Network(), consumer=Consumer())
    worker._parts.clocks.read(("t.retry.1s", 0, 1), 0, NOW_MS, NOW_MS)
    for _ in range(3):
        worker._turn()
        time.now_s += 3_600
    assert asked == [-1]
