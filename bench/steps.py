"""`python -m bench.steps`: what each step of the path costs, so that a slower path can be traced to its step.

No bar: the figures are compared with those of another day on the same machine. `loop` is the delivery thread's own
time, `all` that of every thread of the process, librdkafka's included.
"""

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from bench import cores
from bench.audience import Audience, hundred
from bench.installation import Installation
from bench.load import Load
from bench.services import Services, services
from bench.sink import Sink
from consumer.brands.loader import brand
from consumer.delivery.answer import Response
from consumer.delivery.core import Core
from consumer.delivery.delivery import Attempt
from consumer.delivery.lane import Patience
from consumer.delivery.names import Names
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.target import Target
from consumer.events import rules as event_rules
from consumer.events.decode import decode
from consumer.events.event import Event, Record
from consumer.events.schema import Schemas
from consumer.http.engine import open_transport
from consumer.http.guard import AddressGuard
from consumer.kafka.attempt_encoding import encode_attempt
from consumer.kafka.attempt_log import AttemptLog
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.selection import Selection
from consumer.roles.pool import rules
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Subscription

_EVENTS = 20_000
_BATCH = 500
_IN_FLIGHT = 64
_PLACE = ("orders", 0)
_ANSWER = Response(
    status=200,
    headers=(("server", "nginx"), ("content-type", "text/plain"), ("content-length", "2")),
    body=b"ok",
    body_truncated=False,
    elapsed_ms=1.0,
)


class _Costs:
    """CPU time by step, in the order in which they were first met."""

    def __init__(self) -> None:
        self.loop_s: dict[str, float] = {}
        self.all_s: dict[str, float] = {}

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        loop_s, all_s = time.thread_time(), time.process_time()
        yield
        self.loop_s[step] = self.loop_s.get(step, 0.0) + time.thread_time() - loop_s
        self.all_s[step] = self.all_s.get(step, 0.0) + time.process_time() - all_s


class _Assigned:
    """A listener that only wants to know."""

    def __init__(self) -> None:
        self.partitions: dict[Partition, Position] = {}

    def assigned(self, partitions: dict[Partition, Position]) -> None:
        self.partitions.update(partitions)

    def revoked(self, partitions: object) -> None:
        """Nothing is under way."""

    def lost(self, partitions: object) -> None:
        """Nothing is under way."""


def run(around: Services, sink: Sink) -> _Costs:
    """Every step by itself, over the same events."""
    audience = hundred(sink.url)
    installation = Installation(
        folder=around.folder / "hookline",
        bootstrap=around.kafka.bootstrap,
        redis_url=around.redis.url(),
        prefix="steps.",
    )
    installation.create_topics()
    Load(installation.bootstrap, installation.event_topic).publish(audience, _EVENTS)
    costs = _Costs()
    events = _decode(installation, costs, _consume(installation, costs))
    attempts, requests = _offer(installation, costs, audience, events)
    _send(installation, costs, requests)
    _log(installation, costs, attempts)
    return costs


def _consume(installation: Installation, costs: _Costs) -> list[Record]:
    listener = _Assigned()
    consumer = PartitionConsumer(
        installation.settings,
        group="steps",
        topics=Selection(names=(installation.event_topic,)),
        instance=None,
        listener=listener,  # type: ignore[arg-type] # it takes any mapping and any sequence
    )
    records = consumer.take(1, 30.0)
    time.sleep(2)  # what librdkafka fetches ahead is there
    with costs.of("consume"):
        while len(records) < _EVENTS:
            records += consumer.take(_BATCH, 0.1)
    consumer.close()
    return records


def _decode(installation: Installation, costs: _Costs, records: list[Record]) -> list[Event]:
    schemas, decoding = Schemas(known={}), event_rules.EventRules.of(installation.settings)
    with costs.of("decode"):
        events = [decode(record, schemas, decoding) for record in records]
    return [event for event in events if isinstance(event, Event)]


def _offer(
    installation: Installation, costs: _Costs, audience: Audience, events: list[Event]
) -> tuple[list[Attempt], list[Request]]:
    """Matched, planned, queued and signed, and then answered: what the core does for a delivery, but for decoding."""
    settings = installation.settings
    keyring = Keyring.from_settings(settings)
    core = Core(
        rules(settings, Patience()),
        decode=lambda record: events[record.offset],
        target=lambda subscription: Target(subscription, lambda each: Signer(each, brand(each.brand), keyring)),
        names=Names(AddressGuard(settings.networks).refuses),
    )
    core.assigned({_PLACE: Position(0)})
    now_ms = time.time_ns() // 1_000_000
    by_tenant = _by_tenant(installation.webhooks(audience))
    records = [_record(offset) for offset in range(len(events))]
    attempts: list[Attempt] = []
    requests: list[Request] = []
    for start in range(0, len(records), _BATCH):
        with costs.of("core: offer to request"):
            core.records(now_ms, records[start : start + _BATCH])
            step = core.next(now_ms, now_ms)
        for tenant in step.load:
            core.loaded(now_ms, tenant, Loaded(version="1", subscriptions=by_tenant[tenant]))
        while step.send or step.load or step.attempts:
            requests += [request for _, request in step.send]
            attempts += [attempt for _, attempt in step.attempts]
            with costs.of("core: answer to record"):
                for token, _ in step.send:
                    core.answered(now_ms, token, _ANSWER)
            with costs.of("core: offer to request"):
                step = core.next(now_ms, now_ms)
    return attempts, requests


def _send(installation: Installation, costs: _Costs, requests: list[Request]) -> None:
    """From submit to answer, nginx answering, so many under way as on the path."""
    transport = open_transport(installation.settings)
    waiting = deque(requests)
    with costs.of("engine: request to answer"):
        while waiting or transport.in_flight:
            while waiting and transport.in_flight < _IN_FLIGHT:
                transport.submit(len(waiting), waiting.popleft())
            for _, answer in transport.poll(0.001):
                assert isinstance(answer, Response)
    transport.close()


def _log(installation: Installation, costs: _Costs, attempts: list[Attempt]) -> None:
    with costs.of("encode attempt"):
        encoded = [(attempt.subscription_id.encode(), encode_attempt(attempt)) for attempt in attempts]
    log = AttemptLog(installation.settings)
    with costs.of("produce attempt"):
        for number, (key, value) in enumerate(encoded):
            log.write(key, value)
            if number % _BATCH == 0:
                log.poll()
        assert log.close(30.0) == 0


def _record(offset: int) -> Record:
    topic, partition = _PLACE
    return Record(topic=topic, partition=partition, offset=offset, key=None, value=b"", headers=(), timestamp_ms=0)


def _by_tenant(subscriptions: list[Subscription]) -> dict[str, tuple[Subscription, ...]]:
    found: dict[str, tuple[Subscription, ...]] = {}
    for each in subscriptions:
        found[each.tenant] = (*found.get(each.tenant, ()), each)
    return found


def main() -> int:
    """Measure and show."""
    with services() as around:
        sink = Sink.start(around.folder / "nginx")
        try:
            with cores.starting_on(cores.UNDER_TEST):
                costs = run(around, sink)
        finally:
            sink.stop()
    table = Table(title=f"µs a delivery, over {_EVENTS:,}")
    for heading in ("step", "loop", "all"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for step, loop_s in costs.loop_s.items():
        table.add_row(step, *(f"{each / _EVENTS * 1_000_000:.1f}" for each in (loop_s, costs.all_s[step])))
    totals = (sum(each.values()) / _EVENTS * 1_000_000 for each in (costs.loop_s, costs.all_s))
    table.add_row("together", *(f"{total:.1f}" for total in totals), end_section=True)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
