"""The loop of a delivery process, between fakes of Kafka and the network."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pytest
import structlog

from consumer.delivery import done_map
from consumer.delivery.answer import Answer
from consumer.delivery.core import Core
from consumer.delivery.delivery import Attempt
from consumer.delivery.hold import Leader
from consumer.delivery.limits import START_AT_ONCE
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.step import Step, Write
from consumer.delivery.target import Target
from consumer.events.event import Poison, Record, Tombstone
from consumer.http.transport import Sender, Transport
from consumer.kafka.attempt_log import AttemptLog
from consumer.kafka.client import KafkaBroken
from consumer.kafka.clock import BrokerClocks
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.producer import Acknowledged, Produced, RecordProducer, Refused
from consumer.kafka.records import decode_attempt
from consumer.kafka.tickets import Ticket
from consumer.kafka.topic_specs import Topics
from consumer.roles.clock import Clock
from consumer.roles.name_lookup import NameLookup
from consumer.roles.parts import Parts
from consumer.roles.questions import MarkLookup
from consumer.roles.tenant_lookup import TenantLookup
from consumer.roles.worker import Worker
from consumer.signing.request import Request
from consumer.signing.written import Written
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, event, rules, subscription, target_of
from tests.written import MadeInPython, writing_target


@dataclass
class Time:
    """One clock for everything: ours and the broker's."""

    now_s: float = NOW_MS / 1_000

    def read(self) -> float:
        return self.now_s


@dataclass
class Records:
    """A producer whose acknowledgements come while it is polled, appended that very millisecond."""

    time: Time
    full: bool = False
    polls: int = 0
    takes_s: float = 0.5

    def poll(self) -> list[Produced]:
        self.polls += 1
        self.time.now_s += self.takes_s
        return (
            []
            if self.polls > 1
            else [Acknowledged(token=-1, timestamp_ms=int(self.time.now_s * 1_000), place=("t.retry.1s", 0, 7))]
        )


@dataclass
class Attempts:
    full: bool = False
    acknowledged: bool = False
    pending: int = 0

    def poll(self) -> None:
        pass


@dataclass
class Acknowledging(Attempts):
    acknowledged: bool = True

    def ticket(self) -> Ticket:
        return Ticket(1)

    def has(self, ticket: Ticket) -> bool:
        return self.acknowledged


@dataclass
class Network:
    in_flight: int = 0
    open: bool = True

    def unsent(self) -> Sequence[int]:
        return ()

    def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
        return ()

    def submit(self, token: int, request: Request) -> None:
        raise AssertionError("nothing is to be sent")

    def watch(self, fd: int) -> None:
        pass


@dataclass
class Tenants:
    fd: int

    def take(self) -> list[object]:
        return []


@dataclass
class Consumer:
    assignment: frozenset[Partition] = frozenset()
    late_s: float = 0.0
    accepted: int = 0
    metadata_most: int = done_map.MOST

    def commit(self, positions: Mapping[Partition, Position]) -> None:
        pass


def worker_of(
    core: Core,
    time: Time,
    *,
    records: Records,
    attempts: Attempts,
    network: Network,
    consumer: Consumer,
    fd: int = -1,
    tenants: Tenants | None = None,
) -> Worker:
    """A worker between these."""
    parts = Parts(
        core=core,
        transport=cast("Transport", network),
        records=cast("RecordProducer", records),
        attempts=cast("AttemptLog", attempts),
        tenants=cast("TenantLookup", tenants or Tenants(fd)),
        schemas=None,
        standings=None,
        again=None,
        replaced=None,
        ahead=None,
        marks=cast("MarkLookup", Tenants(fd)),
        names=cast("NameLookup", Tenants(fd)),
        known_schemas={},
        topics=Topics("t.", ("1s",)),
        error_headers="kafka_dlt",
        taken_bytes=1_000_000,
        clocks=BrokerClocks(),
        look_every_s=0.001,
        sender=network if isinstance(network, Sender) else None,
    )
    return Worker(parts, lambda _: cast("PartitionConsumer", consumer), Clock(time.read, time.read))


def end_one(core: Core, offset: int) -> None:
    """A record that ends at once, so that there is something to commit."""
    if offset == 0:
        core.assigned({("events", 0): Position(0)})
    core.records(
        NOW_MS,
        [Record(topic="events", partition=0, offset=offset, key=None, value=None, headers=(), timestamp_ms=NOW_MS)],
    )


@pytest.fixture
def pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    yield reading
    os.close(reading)
    os.close(writing)


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
    """A wall an hour ahead at the start and then corrected left signatures in the future for two hours."""
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
    for consumer.late_s in (0.2, 0.3, 4.1, 0.0):
        worker._turn()
    assert asked == [True, False, True, True]  # a rebalance that refuses commits for seconds holds up no longer
    time.now_s += 0.1
    end_one(core, 1)
    worker._turn()
    attempts.acknowledged = False  # of what is sealed now, the log has not everything
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
    """The producer knows its records by their tokens: when two of one token were acknowledged, the process ended."""
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


@pytest.mark.parametrize("target", [target_of, writing_target])
def test_a_request_that_the_engine_cannot_take_is_a_failed_attempt_and_the_others_are_sent(
    target: Callable[[Subscription], Target],
) -> None:
    sent: list[int] = []

    class Odd(Network):
        def submit(self, token: int, request: Request) -> None:
            if token == 1:
                raise UnicodeEncodeError("utf-8", request.url, 0, 1, "odd")
            sent.append(token)

        def send(self, token: int, written: Written) -> None:
            assert isinstance(written, MadeInPython)
            self.submit(token, written.request)

    class Asked(Tenants):
        def ask(self, _question: object) -> None:
            pass

    written: list[Attempt] = []

    class Log(Acknowledging):
        def write(self, key: bytes, value: bytes) -> None:
            written.append(decode_attempt(value))

    class Kept(Records):
        def write(self, token: int, **_record: object) -> None:
            pass

    time = Time()
    core = Core(rules(), decode=lambda record: event(f"evt_{record.offset}", offset=record.offset), target=target)
    core.assigned({("events", 0): Position(0)})
    worker = worker_of(
        core, time, records=Kept(time, polls=1), attempts=Log(), network=Odd(), consumer=Consumer(), tenants=Asked(-1)
    )
    for offset in (0, 1):
        core.records(
            NOW_MS,
            [Record(topic="events", partition=0, offset=offset, key=None, value=b"", headers=(), timestamp_ms=NOW_MS)],
        )
    worker._turn()
    core.loaded(NOW_MS, "acme", Loaded(version="1", subscriptions=(subscription(),)))
    with structlog.testing.capture_logs() as lines:
        for _ in range(4):
            worker._turn()
    assert sent == [2]
    assert [(attempt.failure, attempt.outcome) for attempt in written] == [("bug", "retry")]
    [told] = [line for line in lines if line["event"] == "bug contained"]
    assert (told["log_level"], told["offset"], told["delivery"]) == ("error", 0, written[0].delivery_id)
    assert "example.com" not in str(told)


class Sending(Network):
    """Takes requests, and gives them back."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[int] = []
        self.waited_s: list[float] = []

    def submit(self, token: int, request: Request) -> None:
        self.sent.append(token)

    def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
        self.waited_s.append(wait_s)
        return ()

    def unsent(self) -> Sequence[int]:
        unsent, self.sent = self.sent, []
        return unsent


def test_while_requests_may_not_leave_nothing_is_begun_or_read_and_nothing_is_lost(pipe: int) -> None:
    time, network = Time(), Sending()
    core = Core(rules(), decode=lambda record: event(offset=record.offset), target=target_of)
    worker = worker_of(
        core,
        time,
        records=Records(time, polls=1, takes_s=0),
        attempts=Acknowledging(),
        network=network,
        consumer=Consumer(),
        fd=pipe,
    )
    core.assigned({("events", 0): Position(0)})
    core.records(
        NOW_MS,
        [Record(topic="events", partition=0, offset=0, key=None, value=b"", headers=(), timestamp_ms=NOW_MS)],
    )
    core.next(NOW_MS, NOW_MS, most=0)
    core.loaded(NOW_MS, "acme", Loaded(version="1", subscriptions=(subscription(),)))
    network.open = False
    worker._start()
    assert network.sent == []
    assert worker._room(NOW_MS) == 0
    worker._collect()
    assert network.waited_s == [0.02], "the loop neither spins nor looks too seldom"
    network.open = True
    worker._start()
    [first] = network.sent
    worker._collect()  # it comes back as unsent
    worker._start()
    [second] = network.sent
    assert second != first
    assert core.counted()["unsent"] == 1
