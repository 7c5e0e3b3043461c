"""A worker between fakes of Kafka and of the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from consumer.delivery import done_map
from consumer.delivery.answer import Answer
from consumer.delivery.core import Core
from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Record
from consumer.http.transport import Sender, Transport
from consumer.kafka.attempt_log import AttemptLog
from consumer.kafka.clock import BrokerClocks
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.producer import Acknowledged, Produced, RecordProducer
from consumer.kafka.tickets import Ticket
from consumer.kafka.topic_specs import Topics
from consumer.roles.clock import Clock
from consumer.roles.name_lookup import NameLookup
from consumer.roles.parts import Parts
from consumer.roles.questions import MarkLookup
from consumer.roles.tenant_lookup import TenantLookup
from consumer.roles.worker import Worker
from consumer.signing.request import Request
from tests.deliveries import NOW_MS


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
    refused_s: float = 0.0
    unanswered_s: float = 0.0
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
        ordered=None,
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
