"""`python -m bench.steps`: what each step of the path costs, so that a slower path can be traced to its step.

No bar: the figures are compared with those of another day on the same machine. `loop` is the delivery thread's own
time, `all` that of every thread of the process, librdkafka's included.
"""

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from bench import cores
from bench.audience import Audience, hundred
from bench.installation import BenchError, Installation
from bench.load import Load
from bench.services import Services, services
from bench.sink import Sink
from consumer.brands.loader import brand
from consumer.delivery.answer import Answer, Failure
from consumer.delivery.core import Core
from consumer.delivery.lane import Patience
from consumer.delivery.limits import START_AT_ONCE
from consumer.delivery.names import Names
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.step import Step
from consumer.delivery.target import Target
from consumer.events import rules as event_rules
from consumer.events.decode import decode
from consumer.events.event import Event, Record
from consumer.events.schema import Schemas
from consumer.http.engine import open_transport, preparing, reading
from consumer.http.guard import AddressGuard
from consumer.http.transport import Sender, Transport
from consumer.kafka.attempt_log import AttemptLog
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.selection import Selection
from consumer.kafka.topic_specs import Topics
from consumer.roles.encoding import Encoding
from consumer.roles.pool import rules
from consumer.signing.signer import Signer
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Subscription

_EVENTS = 20_000
_BATCH = 500
_PLACE = ("orders", 0)


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
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)  # as the loop of the roles has it
    costs = _Costs()
    events = _decode(installation, costs, _consume(installation, costs))
    _log(installation, costs, _deliver(installation, costs, audience, events))
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
    settings = installation.settings
    schemas, decoding = Schemas(known={}), replace(event_rules.EventRules.of(settings), usual=reading(settings))
    with costs.of("decode"):
        events = [decode(record, schemas, decoding) for record in records]
    return [event for event in events if isinstance(event, Event)]


def _deliver(
    installation: Installation, costs: _Costs, audience: Audience, events: list[Event]
) -> list[tuple[bytes, bytes]]:
    """The records of the attempts: matched, planned, queued, signed, sent, answered and encoded, nginx answering.

    Decoding is a step of its own, before.
    """
    settings = installation.settings
    keyring, prepare = Keyring.from_settings(settings), preparing(settings)
    core = Core(
        rules(settings, Patience()),
        decode=lambda record: events[record.offset],
        target=lambda subscription: Target(
            subscription, lambda each: Signer(each, brand(each.brand), keyring, prepare)
        ),
        names=Names(AddressGuard(settings.networks).refuses),
    )
    core.assigned({_PLACE: Position(0)})
    encoding = Encoding(core.boundaries, Topics.of(settings), settings.error_headers)
    by_tenant = _by_tenant(installation.webhooks(audience))
    encoded: list[tuple[bytes, bytes]] = []
    with closing(open_transport(settings)) as transport:
        for start in range(0, len(events), START_AT_ONCE):
            batch = [_record(offset) for offset in range(start, min(start + START_AT_ONCE, len(events)))]
            now_ms = time.time_ns() // 1_000_000
            with costs.of("core: offer to request"):
                core.records(now_ms, batch)
                step = core.next(now_ms, now_ms)
            for tenant in step.load:
                core.loaded(now_ms, tenant, Loaded(version="1", subscriptions=by_tenant[tenant]))
            while step.begun or step.load:
                with costs.of("engine: request to answer"):
                    answers = _sent(transport, step)
                with costs.of("core: answer to record"):
                    core.answers(now_ms, answers)
                    ended = core.next(now_ms, now_ms, most=0)
                with costs.of("encode attempt"):
                    encoded += encoding.attempts(ended.attempts, ended.unread)
                with costs.of("core: offer to request"):
                    step = core.next(now_ms, now_ms)
    if len(encoded) != len(events):
        raise BenchError(f"{len(events)} events had {len(encoded)} attempts")
    return encoded


def _sent(transport: Transport, step: Step) -> list[tuple[int, Answer]]:
    for token, request in step.send:
        transport.submit(token, request)
    if isinstance(transport, Sender):
        for token, written in step.written:
            transport.send(token, written)
    answers: list[tuple[int, Answer]] = []
    while transport.in_flight:
        answers += transport.poll(0.001)
    failed = [answer for _, answer in answers if isinstance(answer, Failure)]
    if failed:
        raise BenchError(f"nginx did not answer: {failed[0]}")
    return answers


def _log(installation: Installation, costs: _Costs, encoded: list[tuple[bytes, bytes]]) -> None:
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
