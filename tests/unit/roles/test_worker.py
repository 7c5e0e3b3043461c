"""The loop of a delivery process, between fakes of Kafka and the network."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from consumer.delivery.answer import Answer
from consumer.delivery.core import Core
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.step import Step
from consumer.events.event import Tombstone
from consumer.http.transport import Transport
from consumer.kafka.attempt_log import AttemptLog
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.producer import Acknowledged, Produced, RecordProducer
from consumer.kafka.topic_specs import Topics
from consumer.roles.clock import Clock
from consumer.roles.worker import MarkLookup, Parts, TenantLookup, Worker
from consumer.signing.request import Request
from tests.deliveries import NOW_MS, rules, target_of


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

    def poll(self) -> list[Produced]:
        self.polls += 1
        self.time.now_s += 0.5
        return [] if self.polls > 1 else [Acknowledged(token=1, timestamp_ms=int(self.time.now_s * 1_000))]


@dataclass
class Attempts:
    full: bool = False
    rested: bool = False
    pending: int = 0

    def poll(self) -> None:
        pass


@dataclass
class Network:
    in_flight: int = 0

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
    committed: list[Mapping[Partition, int]] = field(default_factory=list)


class Watched(Core):
    """Notes what the loop takes for the broker's time."""

    broker_ahead_ms = 0

    def acknowledged(self, token: int) -> None:
        pass

    def next(self, now_ms: int, broker_now_ms: int, *, sending: bool = True) -> Step:
        self.broker_ahead_ms = max(self.broker_ahead_ms, broker_now_ms - now_ms)
        return super().next(now_ms, broker_now_ms, sending=sending)


@pytest.fixture
def pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    yield reading
    os.close(reading)
    os.close(writing)


def test_the_brokers_clock_is_never_taken_to_be_ahead(pipe: int) -> None:
    time = Time()
    core = Watched(rules(), decode=lambda _: Tombstone(), target=target_of)
    parts = Parts(
        core=core,
        transport=cast("Transport", Network()),
        records=cast("RecordProducer", Records(time)),
        attempts=cast("AttemptLog", Attempts()),
        tenants=cast("TenantLookup", Tenants(pipe)),
        schemas=None,
        marks=cast("MarkLookup", Tenants(pipe)),
        known_schemas={},
        topics=Topics("t.", ("1s",)),
        error_headers="kafka_dlt",
    )
    worker = Worker(parts, lambda _: cast("PartitionConsumer", Consumer()), Clock(time.read, time.read))
    for _ in range(3):
        worker._turn()
    # It was acknowledged half a second after the turn began: dated then, retries would leave half a second early.
    assert core.broker_ahead_ms == 0


def test_what_is_sealed_is_written_to_the_log_before() -> None:
    """Else a crash between the commit and the next turn leaves a delivered event without its attempt record."""
    happened: list[str] = []

    class Sealing(Core):
        def next(self, now_ms: int, broker_now_ms: int, *, sending: bool = True) -> Step:
            happened.append("written")
            return super().next(now_ms, broker_now_ms, sending=sending)

        def positions(self) -> dict[Partition, Position]:
            happened.append("sealed")
            return super().positions()

    class Log(Attempts):
        def turn(self) -> None:
            happened.append("turned")

    class Hearing(Network):
        def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
            happened.append("answered")
            return ()

    time = Time()
    parts = Parts(
        core=Sealing(rules(), decode=lambda _: Tombstone(), target=target_of),
        transport=cast("Transport", Hearing()),
        records=cast("RecordProducer", Records(time, polls=1)),
        attempts=cast("AttemptLog", Log(rested=True)),
        tenants=cast("TenantLookup", Tenants(-1)),
        schemas=None,
        marks=cast("MarkLookup", Tenants(-1)),
        known_schemas={},
        topics=Topics("t.", ("1s",)),
        error_headers="kafka_dlt",
    )
    worker = Worker(parts, lambda _: cast("PartitionConsumer", Consumer()), Clock(time.read, time.read))
    worker._turn()
    assert happened == ["written", "sealed", "turned", "answered"]
