"""One process of a role: the real loop, on simulated ports, until it is stopped or dies.

The laws: a turn is what Worker.run does in one; a crash forgets everything but what the broker, the endpoints and
Redis have.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from consumer.brands.loader import brand
from consumer.delivery.boundary import Boundary
from consumer.delivery.budget import RECORD_BYTES
from consumer.delivery.core import Core, Rules
from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.hold import Delayed
from consumer.delivery.intake import Content
from consumer.delivery.lane import Job
from consumer.delivery.mark import Mark
from consumer.delivery.offsets import Partition, Window
from consumer.delivery.target import Target
from consumer.delivery.views import View
from consumer.events.event import Record
from consumer.http.transport import Transport
from consumer.kafka.attempt_log import AttemptLog
from consumer.kafka.checkpoints import Checkpoints
from consumer.kafka.clock import BrokerClocks
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.producer import RecordProducer
from consumer.roles.clock import Clock
from consumer.roles.marks import Marks
from consumer.roles.name_lookup import NameLookup
from consumer.roles.parts import Parts
from consumer.roles.questions import AgainLookup, AheadLookup, MarkLookup, OrderedLookup
from consumer.roles.tenant_lookup import TenantLookup
from consumer.roles.worker import Worker
from consumer.signing.signer import Signer
from consumer.webhooks.cache import Cache
from consumer.webhooks.cache import Client as RedisClient
from consumer.webhooks.reader import Reader
from consumer.webhooks.subscription import Subscription
from tests.simulation import odd
from tests.simulation.again import LogAgain
from tests.simulation.ahead import AheadReads
from tests.simulation.broker import partition_of
from tests.simulation.cache import SILENCE_MS, Client
from tests.simulation.checker import Violation
from tests.simulation.consumer import SimulatedConsumer
from tests.simulation.customers import KEYRING
from tests.simulation.disk import Disk
from tests.simulation.group import Group
from tests.simulation.lookups import Lookup, NoNames, TenantReads
from tests.simulation.network import Network
from tests.simulation.observer import Watch
from tests.simulation.ordered_log import OrderedLog
from tests.simulation.plan import stream
from tests.simulation.ports import Crash, Life
from tests.simulation.producers import Attempts, Records
from tests.simulation.replaced import News
from tests.simulation.standings import Exchanges

if TYPE_CHECKING:
    from tests.simulation.world import World

_SETTLES_MS = 70  # a little more than the loop's interval between two seals
_DRAIN_S = 8.0
_LINED_UP_MOST = 2_000
_TAKE_MOST = 500  # records that one take brings before anything is held back
_HELD_MOST = 1_000 + 500  # records of one partition: its share, and what one take may bring on top


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A role: its group, how its records are read, and what its core is told. `deadly` bytes kill who decodes them."""

    group: Group
    rules: Rules
    decode: Callable[[Record], Content]


class Process:
    """A slot of a role: started, turned, stopped and killed, and started again."""

    def __init__(
        self, world: "World", pool: Pool, name: str, dice: random.Random, *, mark: Callable[[], Mark], disk: Disk
    ) -> None:
        self._world = world
        self._pool = pool
        self._dice = dice
        self._mark = mark
        self._disk = disk
        self.name = name
        self.skew_ms = 0 if world.plan.calm else dice.randrange(-3_000, 3_000)
        self.life: Life | None = None
        self._worker: Worker | None = None
        self._core: Core | None = None
        self._consumer: SimulatedConsumer | None = None
        self._checkpoints: Checkpoints | None = None
        self._network: Network | None = None
        self._exchanges: Exchanges | None = None
        self._exchanging = stream(world.plan.seed, f"exchanges of {name}")
        self._hearing = stream(world.plan.seed, f"news of {name}")
        self._looking = stream(world.plan.seed, f"ordered topic as of {name}")
        self._turn_at_ms: int | None = None
        self._turning = False
        self._settling = 0
        self._stopped_until_ms = 0
        self._stop = False

    @property
    def running(self) -> bool:
        """Whether it was started and neither ended nor died."""
        return self.life is not None

    # ── its life ─────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Put it together as consumer.roles.pool does."""
        if self.running:
            return
        world, dice = self._world, self._dice
        self._stop = False
        self._stopped_until_ms = 0
        life = self.life = Life(self.name, world.timeline, self._wake)
        clocks = BrokerClocks()
        core = self._core = Core(
            self._pool.rules,
            decode=self._pool.decode,
            target=self._target,
            mark=self._mark(),
            clocks=clocks,
            partition_of=partition_of,
        )
        watch = Watch(self.name, core, world)
        network = self._network = Network(life, world.endpoints, world.faults, dice, plan=world.plan, observer=watch)
        redis = cast("RedisClient", Client(world.redis))
        reader = Reader(
            redis, topic_prefix="", silence_ms=SILENCE_MS, monotonic_s=lambda: world.timeline.now_ms / 1_000
        )
        marks = Marks(Cache(redis), topic_prefix="", keep_ms=world.plan.schedule.retry_for_ms)
        rereads = LogAgain(world.broker, world.faults, dice, watch.given_again)
        records = Records(life, world.broker, world.faults, dice, world.rewritten)
        attempts = Attempts(life, world.broker, world.faults, dice, world.logged)
        # A stream of its own: what is exchanged leaves all other choices as they were.
        exchanges = self._exchanges = Exchanges(
            life, world.keeper, world.faults, self._exchanging, wants=partial(_wants, core)
        )
        parts = Parts(
            core=core,
            transport=cast("Transport", network),
            records=cast("RecordProducer", records),
            attempts=cast("AttemptLog", attempts),
            tenants=cast("TenantLookup", TenantReads(life, dice, reader.read, world.plan.tenant_us)),
            schemas=None,
            standings=exchanges,
            again=cast("AgainLookup", Lookup(life, dice, rereads.answer)) if world.plan.ordered else None,
            ordered=self._ordered_lookup(life),
            ahead=cast("AheadLookup", Lookup(life, dice, AheadReads(world.broker, dice).read)),
            replaced=News(life, world.replaced, self._hearing),
            marks=cast("MarkLookup", Lookup(life, dice, marks.answer)),
            names=cast("NameLookup", NoNames()),
            known_schemas={},
            topics=world.topics,
            error_headers="kafka_dlt",
            taken_bytes=1_000_000,
            clocks=clocks,
            look_every_s=0.001,
        )

        checkpoints = self._checkpoints = self._disk.open()

        def open_consumer(worker: Worker) -> PartitionConsumer:
            opened = self._consumer = SimulatedConsumer(
                life,
                self._pool.group,
                world.broker,
                world.faults,
                dice,
                listener=worker,
                checkpoints=checkpoints,
                map_most=world.plan.map_most,
                is_drained=lambda: core.drained,
                ran=watch.ran,
                committed=watch.committed,
                disturbed=world.ledger.disturbed.update,
            )
            return cast("PartitionConsumer", opened)

        self._watch_ahead(core, watch)
        self._watch_stops(core)
        self._watch_lines(core)
        self._watch_spared(core)
        clock = Clock(
            wall_s=lambda: (world.timeline.now_ms + self.skew_ms) / 1_000,
            monotonic_s=lambda: world.timeline.now_ms / 1_000,
        )
        world.history.add(self.name, "! started")
        self._worker = Worker(parts, open_consumer, clock)
        self._settling = 0
        self._wake(0)

    def _ordered_lookup(self, life: Life) -> OrderedLookup | None:
        world = self._world
        if not world.plan.ordered or self._pool is not world.deliver:
            return None
        group, topic = world.retry.group.name, world.topics.ordered
        log = OrderedLog(world.broker, world.faults, self._looking, group=group, topic=topic)
        return cast("OrderedLookup", Lookup(life, self._looking, log.look))

    def _watch_ahead(self, core: Core, watch: Watch) -> None:
        """Tell of each record that the core takes before its turn."""
        take = core._beyond._take

        def taken(
            window: Window, begins: int, record: Record, may: Callable[[Delivery], bool]
        ) -> tuple[Entry, Delayed] | None:
            assert self._consumer is not None
            work = take(window, begins, record, may)
            if record.offset in window._ahead.under_way or work is not None:
                watch.ran_ahead(self._consumer.session(window.partition), record)
                self._world.faults.met("taken ahead")
            return work

        core._beyond._take = taken

    def _watch_stops(self, core: Core) -> None:
        """Tell of each key that stops."""
        stay = core._endings.stay

        def stays(now_ms: int, job: Job, delivery: Delivery) -> None:
            self._world.customers.stopped(delivery.subscription_id, delivery.id)
            stay(now_ms, job, delivery)

        core._endings.stay = stays  # type: ignore[method-assign] # the world listens

    def _watch_lines(self, core: Core) -> None:
        """Tell when each ordered delivery was last put into its line: until then its webhook may not have wanted it."""
        put, ledger = core._direct.put, self._world.ledger

        def puts(entry: Entry, delivery: Delivery, *, may: bool) -> None:
            event = ledger.events.get(delivery.event.id)
            if event is not None:
                ledger.pair(event, delivery.subscription_id).lined_up_ms = self._world.timeline.now_ms
            put(entry, delivery, may=may)

        core._direct.put = puts  # type: ignore[method-assign] # the world listens

    def _watch_spared(self, core: Core) -> None:
        """Judge each try that is not made because another one was accepted."""
        again = core._planning._again

        def goes_on(now_ms: int, entry: Entry, delivery: Delivery, view: View) -> None:
            if delivery.id in core._replaced:
                self._world.checker.spared(delivery)
                self._world.faults.met("spared")
            again(now_ms, entry, delivery, view)

        core._planning._again = goes_on  # type: ignore[method-assign] # the world listens

    def kill(self) -> None:
        """SIGKILL, now."""
        if self.life is not None and self._turning:
            self.life.fuse = 0  # in a drain: it dies at its next call
        elif self.running:
            self._die()

    def kill_soon(self, calls: int) -> None:
        """SIGKILL after so many more calls of its loop."""
        if self.life is not None:
            self.life.fuse = calls

    def kill_never(self) -> None:
        """Whatever was to kill it does not."""
        if self.life is not None:
            self.life.fuse = None

    def stop(self) -> None:
        """SIGTERM: it drains and leaves."""
        self._stop = True
        self._wake(0)

    def suspend(self, for_ms: int) -> None:
        """SIGSTOP for so long; then it goes on as if nothing had been, until it hears of its group."""
        now_ms = self._world.timeline.now_ms
        self._stopped_until_ms = now_ms + for_ms
        if self.life is not None:
            self.life.zombie_until_ms = self._stopped_until_ms + self._dice.randrange(0, 300)

    def fence(self) -> None:
        """Its group takes it for dead, now, and it does not hear of it for a while."""
        if self.life is not None and self._consumer is not None:
            self.life.zombie_until_ms = self._world.timeline.now_ms + self._dice.randrange(0, 3_000)
            self._pool.group.expire(self._consumer)

    def expire_if_silent(self) -> None:
        """The session's time is over for one that was stopped."""
        if self._consumer is not None and self._world.timeline.now_ms < self._stopped_until_ms:
            self._pool.group.expire(self._consumer)

    def appended(self, partition: Partition) -> None:
        """A record came to this partition."""
        if self._consumer is None:
            return
        self._consumer.appended(partition)
        if self._consumer.reads(partition):
            self._wake(self._dice.randrange(1, 10))

    # ── its turns ────────────────────────────────────────────────────────────────────────────────────────────────

    def _wake(self, wait_ms: int) -> None:
        """Let the loop turn in so long, and once more: what is collected in one turn is acted on in the next."""
        self._settling = 1
        self._turn_in(wait_ms)

    def _turn_in(self, wait_ms: int) -> None:
        world = self._world
        at_ms = max(world.timeline.now_ms + wait_ms, self._stopped_until_ms)
        at_ms += -at_ms % world.plan.turn_ms  # what happens within a turn's length is met by one turn
        if self._turn_at_ms is None or at_ms < self._turn_at_ms:
            self._turn_at_ms = at_ms
            world.timeline.at(at_ms, lambda: self._due(at_ms))

    def _due(self, at_ms: int) -> None:
        if self._turn_at_ms != at_ms:
            return
        self._turn_at_ms = None
        if self._worker is None:
            return
        if self._turning:
            self._turn_in(self._world.plan.turn_ms)
            return
        self._turning = True
        try:
            self._turn(self._worker)
        except Crash:
            self._die()
        finally:
            self._turning = False

    def _turn(self, worker: Worker) -> None:
        if self._world.timeline.now_ms < self._stopped_until_ms:
            self._turn_in(0)
            return
        if self._stop:
            self._leave(worker)
            return
        worker._take()
        worker._turn()
        self._stays_small()
        self._plan_next(worker)

    def _leave(self, worker: Worker) -> None:
        """What Worker.run does when it is stopped."""
        assert self.life is not None
        self.life.waiting = True
        worker._leave(_DRAIN_S)
        self._world.history.add(self.name, "! left")
        self.end()
        if not self._world.faults.on:
            self._world.timeline.after(1_000, self.start)  # asked to go before the end of all faults

    def _plan_next(self, worker: Worker) -> None:
        assert self._consumer is not None
        assert self._core is not None
        assert self.life is not None
        now_ms = self._world.timeline.now_ms
        if self._consumer.has_more and self._core.room:
            self._wake(self._world.plan.turn_ms)
        elif self._settling:
            self._settling -= 1
            self._turn_in(_SETTLES_MS)
        elif self._consumer.behind(self._core.positions()):
            self._turn_in(_SETTLES_MS)
        elif now_ms < self.life.zombie_until_ms:
            self._turn_in(self.life.zombie_until_ms - now_ms)
        elif worker._wake_ms is not None:
            self._turn_in(max(1, worker._wake_ms - worker._clock.now_ms()))

    def _stays_small(self) -> None:
        """Memory is bounded, whatever happens."""
        assert self._core is not None
        limits = self._pool.rules.limits
        traffic = self._core._traffic
        self._bounded("requests under way", traffic.flying, limits.in_flight)
        self._bounded("deliveries queued", traffic.queued, limits.queued)
        plan, largest = self._world.plan, self._world.broker.largest_bytes
        taken = _TAKE_MOST * (largest + RECORD_BYTES)  # as they weigh
        self._bounded("bytes held", self._core._hold.bytes, plan.held_bytes + taken)
        self._bounded("bytes under way", traffic._stands.bulk.bytes, plan.budget.under_way + largest)
        for window in self._core._windows.of.values():
            if window.held > _HELD_MOST:
                self._bounded("records held", window.held, _HELD_MOST)
            if window.beside is not None:
                self._bounded("records lined up", window.unfinished, _LINED_UP_MOST)

    def _bounded(self, what: str, number: int, most: int) -> None:
        """Nothing that is kept in memory grows past its bound."""
        if number > most:
            raise Violation("memory", f"{self.name} has {number} {what}, {most} at most", self.name)

    # ── its end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _target(self, subscription: Subscription) -> Target:
        at = odd.of_webhook(self._world.plan, subscription.id)
        if at in {Boundary.RENDER, Boundary.SIGN}:
            return Target(subscription, lambda each: odd.OddSigner(at, _signer(each)))
        return Target(subscription, _signer)

    def _die(self) -> None:
        self._world.faults.met("killed", self.name)
        self.end()
        wait_ms = self._dice.choice((100, 1_000, 3_000, 20_000))
        self._world.timeline.after(wait_ms, self.start)

    def end(self) -> None:
        """Nothing is left of it but what is on the disk."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        if self.life is not None:
            self.life.alive = False
        if self._network is not None:
            self._network.close()
        if self._exchanges is not None:
            self._exchanges.close()
        if self._consumer is not None and self._pool.group.members.get(self.name) is self._consumer:
            self._pool.group.leave(self.name, static=self._world.plan.static_members)
        self.life = self._worker = self._core = self._consumer = self._checkpoints = None
        self._network = self._exchanges = None


def _wants(core: Core, webhook: str) -> bool:
    account = core._traffic.standings.account(webhook)
    return account is not None and account.next_ms > 0


def _signer(subscription: Subscription) -> Signer:
    return Signer(subscription, brand(subscription.brand), KEYRING)
