"""The way of an event, from record to outcome, as a state machine without clock, randomness, sockets or threads.

    records ─► decode ─► match ─► plan ─► offer to a lane ─► send ─► answered ─► outcome ─► (write ─►) finished
                 │         │                    │                                   │
              poison    waits for            spilled                   retry tier, dead letter, suspension
                        its tenant
              └ intake ┘└────── planning ──────┘└────────────── attempting ──────────────┘└───── endings ─────┘

The laws:
- a record ends in exactly one place before its offset moves: every delivery it produced was delivered or dropped with
  a counted reason, and every record written for it was acknowledged;
- what comes back for a partition that was lost has no effect, unless the same record is ours again;
- while code runs for a record it is in hand, and between two calls none is.

Time is an argument everywhere, in milliseconds since 1970 and never going back.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from consumer.delivery.again import Found
from consumer.delivery.answer import Answer
from consumer.delivery.answering import Answering
from consumer.delivery.attempting import Attempting
from consumer.delivery.beyond import Beyond
from consumer.delivery.boundary import Boundaries
from consumer.delivery.budget import DEFAULT, Budget
from consumer.delivery.direct import Direct
from consumer.delivery.endings import Endings
from consumer.delivery.entry import Entry
from consumer.delivery.forward import Forward
from consumer.delivery.giving_up import GivingUp
from consumer.delivery.hold import OUR_CLOCK, Clocks, Hold, Leader
from consumer.delivery.intake import Content, Intake
from consumer.delivery.kept_bodies import Keep
from consumer.delivery.lane import Job
from consumer.delivery.limits import START_AT_ONCE, Limits
from consumer.delivery.lined_up import LinedUp, OrderedSeen
from consumer.delivery.lining_up import LiningUp
from consumer.delivery.mark import Mark, NoMark
from consumer.delivery.names import Names, Resolution
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.order import Order
from consumer.delivery.order_partition import Bounds
from consumer.delivery.planning import Planning, Work
from consumer.delivery.repeats import Repeats
from consumer.delivery.replaced import Replaced
from consumer.delivery.schedule import Schedule
from consumer.delivery.standing import Report, Standing
from consumer.delivery.step import SeenAhead, Step, Write
from consumer.delivery.tally import Tally
from consumer.delivery.target import Target
from consumer.delivery.tenants import Freshness, Loading, Room, Tenants
from consumer.delivery.tidings import Tidings
from consumer.delivery.tracing import Tracing
from consumer.delivery.traffic import Traffic
from consumer.delivery.vitals import Vitals
from consumer.delivery.waiting import Waiting
from consumer.delivery.windows import Windows
from consumer.events.event import Record
from consumer.webhooks.subscription import Subscription

_DUE_AT_ONCE = 256
_READY_MOST = 256  # more than that would be left in the log, and read twice
_HANDED_OVER_AFTER_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a core is told once. An event for more than `fan_out` subscriptions is written as chunks first.

    When `waiting` records wait for their tenants to be read, or half of what may be taken in, consuming stops.
    `shared`: other processes send to the same endpoints, and the shell asks for the webhooks' standings. `ordered` is
    the topic where the deliveries of ordered webhooks line up. `keep` takes from an attempt's record what the log does
    not keep of its bodies; None: it keeps all. `tracing` of None: nothing is traced.
    """

    schedule: Schedule
    limits: Limits
    freshness: Freshness
    fan_out: int
    waiting: int = 20_000
    budget: Budget = DEFAULT
    shared: bool = False
    ordered: str = ""
    keep: Keep | None = None
    tracing: Tracing | None = None


class Core:
    """One process's deliveries. The shell feeds it what happened and carries out what `next` asks for.

    `boundaries` are for what the shell does for a record too. `partition_of`: see `LinedUp`.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        decode: Callable[[Record], Content],
        target: Callable[[Subscription], Target],
        mark: Mark | None = None,
        clocks: Clocks = OUR_CLOCK,
        names: Names | None = None,
        partition_of: Callable[[bytes, int], int] | None = None,
    ) -> None:
        self.boundaries = Boundaries(mark or NoMark())
        repeats = Repeats()
        self._replaced = Replaced()
        self._order = Order(rules.ordered, Bounds(process_bytes=rules.budget.held // 2))
        self._lined_up = LinedUp(partition_of)
        self._endings = Endings(rules.schedule, repeats, self._order, self._lined_up)
        self._direct = Direct(self._endings, self._lined_up)
        hold = self._hold = Hold(clocks, most_bytes=rules.budget.held // 2)
        lining_up = LiningUp(self._direct)
        self._windows = Windows(self._order)
        self._intake = Intake(
            rules.schedule,
            self._endings,
            repeats,
            decode,
            self.boundaries,
            windows=self._windows,
            order=self._order,
            lining_up=lining_up,
            hold=hold,
            budget=rules.budget,
        )
        self._pausing = self._intake.pausing
        room = Room(records=rules.waiting, waiting_bytes=rules.budget.taken // 2, view_bytes=rules.budget.views)
        self._tenants: Tenants[Work] = Tenants(rules.freshness, target, room)
        self._traffic = Traffic(
            rules.limits,
            shared=rules.shared,
            awaited=hold.is_awaited,
            blocked=self._order.blocked,
            names=names,
        )
        self._forward = Forward(hold, self._order, self._traffic.appetite, attempts_most=rules.schedule.last + 1)
        self._beyond = Beyond(self._forward, self._pausing.full, self._intake.ahead)
        giving_up = GivingUp(rules.schedule, traffic=self._traffic, endings=self._endings, view_of=self._tenants.view)
        self._waiting = Waiting(rules.schedule, traffic=self._traffic, endings=self._endings, giving_up=giving_up)
        self._answering = Answering(
            rules.schedule,
            traffic=self._traffic,
            endings=self._endings,
            boundaries=self.boundaries,
            heard=self._forward.heard,
            replaced=self._replaced,
            giving_up=giving_up,
            waiting=self._waiting,
            keep=rules.keep,
        )
        self._flying = self._answering.flying
        self._attempting = Attempting(
            rules.schedule,
            traffic=self._traffic,
            boundaries=self.boundaries,
            answering=self._answering,
            giving_up=giving_up,
            waiting=self._waiting,
            tracing=rules.tracing,
        )
        self._tidings = Tidings(self._endings, self._tenants.view)
        self._planning = Planning(
            rules.fan_out,
            tenants=self._tenants,
            endings=self._endings,
            attempting=self._attempting,
            boundaries=self.boundaries,
            lining_up=lining_up,
            replaced=self._replaced,
        )

    # ── what happened ────────────────────────────────────────────────────────────────────────────────────────────

    def assigned(self, partitions: Mapping[Partition, Position]) -> None:
        """These partitions are ours from now on, to be read from these positions."""
        self._windows.assigned(partitions)

    def lost(self, partitions: Iterable[Partition]) -> None:
        """These partitions are ours no longer: what is sent for them ends without effect, unless they come back."""
        self._intake.lost(partitions)
        self._flying.orphan()
        self._planning.lost()
        self._direct.lost()
        self._lined_up.lost()
        self._beyond.lost()

    def rewound(self, partition: Partition) -> None:
        """This partition's records come from the beginning again: its topic was made anew."""
        self._intake.rewound(partition)
        self._flying.forget_orphans()
        self._beyond.rewound()

    def records(self, now_ms: int, batch: Iterable[Record]) -> None:
        """Consumed records, of event topics or of delay topics."""
        for entry, event in self._intake.records(now_ms, batch):
            self._planning.go_on(now_ms, entry, event)
        self.boundaries.let_go()

    def read_again(self, now_ms: int, found: Found) -> None:
        """What came of `again`."""
        self._intake.read_again(now_ms, found)
        self.boundaries.let_go()

    def ordered_seen(self, seen: OrderedSeen) -> None:
        """How far the ordered topic is finished, as a step asked for."""
        self._lined_up.seen(seen)

    def passed(self, ends: Mapping[Partition, int]) -> None:
        """All records before these offsets were given, whatever else the logs hold there."""
        self._windows.passed(ends)

    def loaded(self, now_ms: int, tenant: str, loading: Loading) -> None:
        """What the cache answered for a tenant that a step named in `load` or `load_alone`."""
        self._planning.loaded(now_ms, tenant, loading)
        self.boundaries.let_go()

    def schema_answered(self, now_ms: int, schema_id: int) -> None:
        """The registry answered for a schema: `decode` knows it now, or knows that there is none."""
        self._planning.have_come(now_ms, self._intake.schema_answered(schema_id))
        self.boundaries.let_go()

    def answered(self, now_ms: int, token: int, answer: Answer) -> None:
        """A request came to its end."""
        self._answering.answered(now_ms, token, answer)
        self.boundaries.let_go()

    def answers(self, now_ms: int, answers: Iterable[tuple[int, Answer]]) -> None:
        """These requests, by token, came to their ends."""
        answered = self._answering.answered
        for token, answer in answers:
            answered(now_ms, token, answer)
        self.boundaries.let_go()

    def unsent(self, now_ms: int, token: int) -> None:
        """A request came to nothing, for what all requests go through is broken: its delivery stays where it was."""
        self._answering.unsent(now_ms, token)

    def checked(self, now_ms: int, delivery_id: str, *, succeeded: bool) -> None:
        """Whether a delivery that was handed over was accepted after all. Where that mark was lost it is sent twice."""
        self._planning.checked(now_ms, delivery_id, succeeded=succeeded)
        self.boundaries.let_go()

    def replaced(self, names: Iterable[str]) -> None:
        """Other processes sent these deliveries again, and that was accepted: what waits of them is not tried."""
        self._replaced.heard(names)

    def named(self, now_ms: int, host: str, resolution: Resolution) -> None:
        """What name servers say of a host that a step asked for."""
        self._traffic.named(now_ms, host, resolution)

    def standing(self, now_ms: int, subscription_id: str, standing: Standing | None, *, ago_ms: float = 0.0) -> None:
        """What came back for a report that was sent so long ago; None: nothing, so this process keeps to its share."""
        account = self._traffic.heard(now_ms, subscription_id, standing, ago_ms=ago_ms)
        if account is not None and account.to_be_told is not None:
            self._tidings.tell(now_ms, account)
        if standing is None:
            return
        for back_ms in (standing.recovered_ms, standing.accepted_ms):
            if back_ms is not None:
                self._forward.recovered(now_ms, subscription_id, int(now_ms - ago_ms - back_ms))

    def leaving(self, now_ms: int) -> list[Report]:
        """What is to be told when this process has drained and ends: that others may have its places."""
        return self._traffic.standings.leaving(now_ms)

    def shared_by(self, processes: int) -> None:
        """So many processes send to the same endpoints, this one included, as far as is known."""
        self._traffic.standings.shared_by(processes)

    def ahead(self, now_ms: int, seen: SeenAhead) -> None:
        """What was read ahead in a delay partition, as a step asked for."""
        self._beyond.seen(now_ms, seen)

    def acknowledged(self, token: int, place: tuple[int, int] | None = None) -> None:
        """Kafka has the record that a step asked to write under this token; see `Endings.acknowledged`."""
        self._endings.acknowledged(token, place)

    def refused(self, now_ms: int, token: int, size: int) -> Write:
        """The record to be written under this token is too large for its topic: a stub takes its place.

        Returns the record.
        """
        return self._endings.refused(now_ms, token, size, self._planning.subscription)

    # ── what is to be done ───────────────────────────────────────────────────────────────────────────────────────

    def next(self, now_ms: int, steady_ms: int, *, wall_ms: int | None = None, most: int = START_AT_ONCE) -> Step:
        """What the shell is to do now.

        `steady_ms` is the clock that nobody sets, to which `Clocks` compares the brokers'; `wall_ms` the one that
        receivers of a signature compare it with, where it is not `now_ms`.

        At most so many requests are started; for 0 nothing is begun: what it would leave to be written has no room.
        """
        if most > 0:
            self._begin(now_ms, steady_ms, most, now_ms if wall_ms is None else wall_ms)
        self._direct.settle()
        self._relieve(now_ms)
        if self.boundaries.mark.suspects:
            self._intake.forgive()
        step = self._answering.asked()
        step.check = self._planning.asked()
        step.schemas = self._intake.schemas_asked()
        step.pause, step.resume = self._pausing.turn(now_ms)
        step.again = self._order.left.again(now_ms)
        step.ordered = self._lined_up.look(now_ms)
        step.names = self._traffic.names.asked()
        step.write = self._endings.asked()
        step.ahead = self._beyond.look(now_ms) if most > 0 else None
        step.load, step.load_alone = self._tenants.wanted(now_ms)
        self._traffic.standings.listen(now_ms, self._hold.newly_awaited())
        step.reports = self._traffic.standings.reports(now_ms)
        step.bugs = self.boundaries.bugs()
        step.wake_ms = self._wake_ms(now_ms, steady_ms)
        return step

    @property
    def room(self) -> int:
        """How many records the shell may consume now: none before what has waited has gone on.

        Nor while heads of the ordered topic wait for nothing but this process.
        """
        if self._planning.waits or self._pausing.is_full or self._direct.is_full:
            return 0
        ready = self._order.ready + self._direct.ready
        return max(0, min(self._traffic.room, self._tenants.room, _READY_MOST - ready))

    @property
    def busy(self) -> bool:
        """Whether anything is under way that the shell drives: requests, writes, loads, or what `next` has to tell."""
        return (
            self._planning.busy
            or self._beyond.asking
            or self._intake.waiting
            or self._answering.busy
            or self._endings.pending
            or self._traffic.asking
            or self._order.has_ended
            or self._direct.busy
            or self._traffic.names.pending
        )

    @property
    def held(self) -> frozenset[Leader]:
        """The leaders whose records wait to be due by their clocks."""
        return self._intake.held

    @property
    def paused(self) -> frozenset[Partition]:
        """The partitions that the core wants paused."""
        return self._pausing.paused

    def counted(self) -> Mapping[str, int]:
        """What was counted since the last call, by name."""
        return self._endings.counted()

    @property
    def tally(self) -> Tally:
        """What attempts came to since this process began."""
        self._endings.tally.gathered()
        return self._endings.tally

    def vitals(self, now_ms: int, steady_ms: int) -> Vitals:
        """How it does now. It walks through its partitions and its busy lanes, so not in every turn."""
        return Vitals(
            waiting=self._traffic.queued,
            in_flight=self._traffic.flying,
            overdue_ms=self._intake.overdue_ms(steady_ms),
            lanes=self._traffic.lane_states(now_ms),
            partitions=self._windows.vitals(),
        )

    def positions(self) -> dict[Partition, Position]:
        """What each partition may be committed as."""
        return self._windows.positions()

    def changed_positions(self) -> dict[Partition, Position]:
        """Those of them that may have changed since the last call."""
        return self._windows.changed_positions()

    def bound_maps(self, most: int) -> None:
        """With a position, at most so many characters may tell what is finished above it."""
        self._windows.bound_maps(most)

    # ── whose it is ──────────────────────────────────────────────────────────────────────────────────────────────

    def sent_for(self, token: int) -> Job | None:
        """What a request under way is sent for; None for one that was given up."""
        return self._flying.job(token)

    def written_for(self, token: int) -> Entry:
        """The record that a write under way ends, or a part of it."""
        return self._endings.writing(token)

    def take(self, token: int) -> None:
        """From here on code runs for the record that this request is sent for."""
        job = self._flying.job(token)
        if job is not None:
            self.boundaries.take(job.entry)

    def let_go(self) -> None:
        """From here on code runs for no record."""
        self.boundaries.let_go()

    # ── the end of an assignment or of the process ───────────────────────────────────────────────────────────────

    def drain(self, now_ms: int, partitions: Iterable[Partition]) -> None:
        """Start nothing more for these partitions; what is under way may still be answered.

        Records of which nothing was begun stay unfinished: the next owner reads them again, and there is no second copy
        of them should this drain's commit fail. What others have left in a queue is spilled.
        """
        self._windows.drain(partitions)
        queued = self._traffic.unqueue(lambda job: job.entry.window.draining)
        for job in [job for job in queued if job.entry.begun]:  # before a spill begins what is left of another
            self._waiting.pass_on(now_ms, job)
        self._direct.drain()

    @property
    def drained(self) -> bool:
        """Whether nothing is under way for draining partitions and all that was written for them is acknowledged."""
        return not (self._endings.draining or self._flying.going or self._direct.unsettled)

    def hand_over(self, now_ms: int) -> None:
        """Cancel the unanswered requests of draining partitions.

        Each was an attempt, and is retried when its timeout would have ended.
        """
        self._answering.give_up(now_ms)
        self._direct.settle()

    # ── turn by turn ─────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, now_ms: int, steady_ms: int, most: int, wall_ms: int) -> None:
        """Whatever may begin now: what waited, is due or goes forward, what lanes may send. The overdue is spilled."""
        self._planning.have_waited(now_ms)
        for entry, delayed in self._intake.due(now_ms, steady_ms, min(_DUE_AT_ONCE, self._traffic.room)):
            self._planning.go_on(now_ms, entry, delayed)
        for entry, delivery in self._order.heads(now_ms, min(_DUE_AT_ONCE, self._traffic.room)):
            self._planning.go_on(now_ms, entry, delivery)
        for entry, delivery in self._direct.heads(min(_DUE_AT_ONCE, self._traffic.room)):
            self._planning.go_on(now_ms, entry, delivery)
        for entry, delivery in self._intake.forward(self._forward.take(now_ms, self._traffic.spare)):
            self._planning.go_on(now_ms, entry, self._traffic.sooner(now_ms, delivery))
        for entry, delayed in self._beyond.take(now_ms, 0 if self._pausing.is_full else self._traffic.spare):
            self._planning.go_on(now_ms, entry, self._traffic.sooner(now_ms, delayed))
        self._attempting.start(now_ms, most, wall_ms=wall_ms)
        self.boundaries.let_go()
        # After what could start: a lane that slept until now is no longer late.
        for job, wait in self._traffic.overdue(now_ms):
            self._waiting.wait(now_ms, job, wait)

    def _relieve(self, now_ms: int) -> None:
        """A window whose map is nearly full takes nothing more in, and hands over what is long unanswered."""
        for window in self._windows.crowded():
            if not window.draining:
                self._pausing.pause(window)
                self._answering.relieve(now_ms, window, _HANDED_OVER_AFTER_MS)
                self._planning.relieve(now_ms, window)
        if self._direct.crowded:
            self._answering.relieve_heads(now_ms, self._direct.crowds, _HANDED_OVER_AFTER_MS)

    def _wake_ms(self, now_ms: int, steady_ms: int) -> int | None:
        due_ms = self._intake.next_due_ms(now_ms, steady_ms)
        wishes = (
            due_ms,
            self._traffic.wake_ms(now_ms),
            self._traffic.names.wake_ms(),
            self._tenants.wake_ms(),
            self._traffic.standings.wake_ms(),
            self._order.wake_ms(now_ms),
            self._lined_up.wake_ms(),
            self._forward.wake_ms(now_ms),
            self._beyond.wake_ms(now_ms),
        )
        return min((wish for wish in wishes if wish is not None), default=None)
