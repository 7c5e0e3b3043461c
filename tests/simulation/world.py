"""One seed's world: everything put together, run to its end, and judged.

The law: nothing is faulty any more when the plan's time for faults is over, and from then on everything that was
acknowledged must end within the plan's bound.
"""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Protocol

from msgspec import structs

from consumer.delivery.breaker import open_times_ms
from consumer.delivery.core import Rules
from consumer.delivery.delivery import DeadLetter, Delivery
from consumer.delivery.intake import Content
from consumer.delivery.lane import Patience
from consumer.delivery.limits import Limits
from consumer.delivery.mark import Mark, NoMark
from consumer.delivery.tenants import Freshness
from consumer.events.decode import decode
from consumer.events.event import Event, Record, Tombstone
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas
from consumer.kafka.records import decode_delayed, decode_ordered
from consumer.kafka.topic_specs import Topics
from consumer.roles.blame import Blame
from consumer.webhooks.history import State
from tests.simulation.broker import EVENTS, Broker
from tests.simulation.cache import SILENCE_MS, Redis
from tests.simulation.checker import Checker, Violation
from tests.simulation.customers import Customers
from tests.simulation.disk import Disk
from tests.simulation.endpoints import HEALTHY, Endpoints, Hosts
from tests.simulation.faults import Faults
from tests.simulation.group import Group
from tests.simulation.history import History
from tests.simulation.landing import Landing
from tests.simulation.laws import Laws, NoLaws
from tests.simulation.ledger import Ledger
from tests.simulation.odd import OddError, OddType
from tests.simulation.plan import DEFAULT, Plan, plan, stream
from tests.simulation.ports import Crash
from tests.simulation.process import Pool, Process
from tests.simulation.replaced import Told
from tests.simulation.spells import STALENESS_MS, Spells
from tests.simulation.standings import Keeper
from tests.simulation.timeline import Timeline
from tests.simulation.trouble import Trouble
from tests.simulation.webhooks import Webhooks

_LOOK_EVERY_MS = 5_000
_FEW_WAIT = 8  # so that one tenant soon has its share
_FILLED_BY_NONE = 128  # requests under way
_PROMPTLY_MS = 3_000  # from the log to a healthy endpoint, with hanging ones beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one seed came to. `violation` is None when the promise held; `excerpt` is its history otherwise."""

    seed: int
    promised: int
    requests: int
    endings: int
    more: int
    faults: Counter[str]
    digest: str
    violation: str | None = None
    excerpt: tuple[str, ...] = ()


class Audience(Protocol):
    """Who makes webhooks and publishes events."""

    last_ms: int

    @property
    def finished(self) -> bool:
        """Whether all is published."""

    def met(self, state: State) -> None:
        """A record is on the subscriptions topic."""

    def host_of(self, webhook: str) -> str:
        """Where a webhook pointed first."""

    def stopped(self, webhook: str, delivery_id: str) -> None:
        """A key of it has stopped with this delivery."""

    def buried(self, dead_letter: DeadLetter) -> None:
        """A dead letter was written."""

    def waits(self, delivery: Delivery) -> None:
        """A delivery was written to a delay topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Whom a world is about, and what is judged of it beyond what the checker judges of all."""

    endpoints: Callable[[Plan, Timeline], Hosts] = Endpoints
    customers: Callable[["World"], Audience] = Customers
    laws: Callable[[], Laws] = NoLaws


class World:
    """All parts of one seed."""

    def __init__(self, plan: Plan, disk: Path, scene: Scene | None = None) -> None:
        scene = scene or Scene()
        self.plan = plan
        self.timeline = Timeline()
        self.history = History(self.timeline)
        self.ledger = Ledger()
        self.spells = Spells()
        self.webhooks = Webhooks(self.spells)
        self.faults = Faults(plan, self.timeline, self.history)
        self.topics = Topics("", plan.schedule.names[1:])
        self.checker = Checker(self.ledger, self.webhooks, plan)
        landing = Landing(
            self.topics, plan.schedule, self.timeline, history=self.history, ledger=self.ledger, checker=self.checker
        )
        self.logged = landing.logged
        self.rewritten = landing.rewritten
        self.broker = Broker(plan, self.timeline, self.topics, self._appended)
        self.laws = landing.laws = scene.laws()
        self.endpoints = scene.endpoints(plan, self.timeline)
        self.redis = Redis(self.timeline, self.spells)
        self.keeper = Keeper(self.redis, self.timeline, self.faults)
        self.replaced = Told(self.redis)
        self.customers = scene.customers(self)
        self._landing = landing
        landing.wrote_webhook = self.customers.met
        landing.buried = self.customers.buried
        landing.waits = self.customers.waits
        self._disk = disk
        self.deliver = self._pool("events", (EVENTS,), Patience(), self._read_event)
        self.retry = self._pool(
            "retry", self.broker.waiting, Patience(wait_ms=10_000, slow_ms=None), self._read_delayed
        )
        self.processes: list[Process] = []
        for role, pool in (("deliver", self.deliver), ("retry", self.retry)):
            for slot in range(plan.processes):
                self.add(role, pool, slot)
        self.trouble = Trouble(self)

    def add(self, role: str, pool: Pool, slot: int) -> None:
        """One more process of a role."""
        name = f"{role}-{slot}"
        folder = self._disk / f"machine-{slot % self.plan.machines}" / role
        disk = Disk(folder, name, self.faults, stream(self.plan.seed, f"disk of {name}"))
        process = Process(self, pool, name, stream(self.plan.seed, name), mark=self._marker(name), disk=disk)
        self.processes.append(process)
        process.start()

    def close(self) -> None:
        """Let go of the disk."""
        for process in self.processes:
            process.end()

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> Verdict:
        """Until everything has ended, or the promise is broken."""
        try:
            while not self._finished:
                self.timeline.advance(self.timeline.now_ms + _LOOK_EVERY_MS)
                self.laws.look(self.timeline.now_ms)
                self._on_time()
                self._skip_idle()
            self.laws.ended(self.timeline.now_ms)
            counts = self.checker.ended(self.timeline.now_ms, few_records=self.plan.schedule is DEFAULT)
            self._fair()
        except Violation as violation:
            return self._verdict((0, 0, 0), violation)
        return self._verdict(counts, None)

    @property
    def _finished(self) -> bool:
        if not self.customers.finished or self.faults.on:
            return False
        unread = chain(self.broker.unread("retry", self.broker.waiting), self.broker.unread("events", (EVENTS,)))
        return next(unread, None) is None

    def _on_time(self) -> None:
        began_ms = max(self.faults.until_ms, self.customers.last_ms)
        if self.timeline.now_ms <= began_ms + self.plan.finished_by_ms:
            return
        late = sorted({*self.broker.unread("events", (EVENTS,)), *self.broker.unread("retry", self.broker.waiting)})
        names = [f"{topic}-{number}" for topic, number in late]
        raise Violation("liveness", f"unfinished long after the last fault: {' '.join(names)}", *names)

    def _skip_idle(self) -> None:
        """Hours in which nothing is due pass at once."""
        next_ms = self.timeline.next_ms
        if next_ms is not None and next_ms > self.timeline.now_ms + _LOOK_EVERY_MS:
            self.timeline.advance(next_ms - 1)

    def _fair(self) -> None:
        """With no fault but the endpoints' own, whoever is healthy is served promptly.

        A pool that its slow endpoints can fill (eight requests each) promises nothing: a real one has 1,024.
        """
        if not self.plan.calm or self.plan.in_flight < _FILLED_BY_NONE:
            return
        for event in self.ledger.events.values():
            for webhook in self.webhooks.required(event, self.timeline.now_ms):
                pair = self.ledger.pair(event, webhook)
                if not self.is_healthy(webhook) or pair.first_accepted_ms is None:
                    continue
                took_ms = pair.first_accepted_ms - event.at_ms
                if took_ms > _PROMPTLY_MS:
                    raise Violation("fairness", f"{pair.name} took {took_ms} ms", f"{event.id}/{webhook}")

    def is_healthy(self, webhook: str) -> bool:
        """Whether its endpoint is, and it never asked for less than others get."""
        return self.endpoints.temper(self.customers.host_of(webhook)) == HEALTHY and self.webhooks.is_plain(webhook)

    def _verdict(self, counts: tuple[int, int, int], violation: Violation | None) -> Verdict:
        promised, endings, more = counts
        excerpt = () if violation is None else tuple(self.history.concerning(violation.about))
        return Verdict(
            seed=self.plan.seed,
            promised=promised,
            requests=self.ledger.requests,
            endings=endings,
            more=more,
            faults=self.faults.counts,
            digest=self.history.digest(),
            violation=None if violation is None else str(violation),
            excerpt=excerpt,
        )

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _appended(self, record: Record) -> None:
        self._landing.appended(record)
        for process in self.processes:
            process.appended((record.topic, record.partition))

    def _pool(self, group: str, topics: tuple[str, ...], patience: Patience, read: Callable[[Record], Content]) -> Pool:
        dice = stream(self.plan.seed, f"group {group}")
        plan = self.plan
        return Pool(
            group=Group(group, topics, self.broker, timeline=self.timeline, faults=self.faults, dice=dice),
            decode=read,
            rules=Rules(
                schedule=plan.schedule,
                limits=Limits(
                    in_flight=plan.in_flight,
                    tenant_in_flight=max(1, plan.in_flight * 3 // 4),
                    queued=8_192,
                    lane_concurrency=plan.lane_concurrency,
                    patience=patience,
                    bulk_bytes=plan.budget.under_way,
                    breaker_times_ms=open_times_ms(),
                ),
                freshness=Freshness(
                    staleness_ms=STALENESS_MS,
                    memory_for_ms=1_000 if plan.unreadable else 3_600_000,
                    behind_ms=SILENCE_MS,
                ),
                fan_out=plan.fan_out,
                shared=True,
                ordered=self.topics.ordered,
                waiting=_FEW_WAIT if plan.unreadable else 20_000,
                budget=replace(plan.budget, held=plan.held_bytes),
            ),
        )

    def _marker(self, name: str) -> Callable[[], Mark]:
        if not self.plan.deadly:
            return NoMark
        path = self._disk / "marks" / name
        return lambda: Blame(path)

    def _read_event(self, record: Record) -> Content:
        if self.plan.deadly and record.value is not None and b'"deadly":1' in record.value:
            self.faults.met("deadly record", f"{record.topic}-{record.partition}@{record.offset}")
            raise Crash("deadly")
        read = decode(record, _NO_SCHEMAS, _EVENT_RULES)
        if self.plan.odd and record.value is not None and isinstance(read, Event):
            if b'"odd":"decode"' in record.value:
                raise OddError
            if b'"odd":"match"' in record.value:
                return structs.replace(read, type=OddType(read.type))
        return read

    def _read_delayed(self, record: Record) -> Content:
        if record.value is None:
            return Tombstone()
        if record.topic == self.topics.ordered:
            return decode_ordered(record.key, record.value)
        return decode_delayed(record.value, self.topics.tier_of(record.topic))


_NO_SCHEMAS = Schemas(known={})
_EVENT_RULES = EventRules(registry=False)


def run(seed: int, deliveries: int) -> Verdict:
    """One seed from its beginning to its end."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(plan(seed, deliveries), Path(folder))
        try:
            return world.run()
        finally:
            world.close()
