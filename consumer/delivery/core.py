"""The way of an event, from record to outcome, as a state machine without clock, randomness, sockets or threads.

    records ─► decode ─► match ─► plan ─► offer to a lane ─► send ─► answered ─► outcome ─► (write ─►) finished
                 │         │                    │                                   │
              poison    waits for            spilled                   retry tier, dead letter, suspension
                        its tenant

The laws:
- a record ends in exactly one place before its offset moves: every delivery it produced was delivered or dropped with
  a counted reason, and every record written for it was acknowledged;
- first try, retry and replay pass through the same `_offer`, `_send` and `answered`;
- what comes back for a partition that was lost has no effect, unless the same record is ours again.

Time is an argument everywhere, in milliseconds since 1970 and never going back.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

from consumer.delivery import done_map
from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.delivery.delivery import Chunk, Delivery, delivery_id
from consumer.delivery.endings import Endings, attempted
from consumer.delivery.flying import Flying
from consumer.delivery.hold import Delayed
from consumer.delivery.intake import Content, Intake
from consumer.delivery.lane import Job
from consumer.delivery.logged import logged
from consumer.delivery.mark import Mark, NoMark
from consumer.delivery.offsets import Entry, Partition, Position
from consumer.delivery.outcome import Dead, DeathReason, Delivered, Retry, decide, described, is_success
from consumer.delivery.repeats import Repeats
from consumer.delivery.schedule import Schedule
from consumer.delivery.step import Delay, Step, Write
from consumer.delivery.target import Target, Unsignable
from consumer.delivery.tenants import Freshness, Known, Loading, Tenants
from consumer.delivery.traffic import START_AT_ONCE, Limits, Traffic
from consumer.events.event import Event, Record
from consumer.telemetry.count import Dropped
from consumer.webhooks.subscription import Retries, Status, Subscription

Work: TypeAlias = tuple[Entry, Event | Delayed]

_CHUNK = 100  # subscriptions in one chunk record
_WAITING_MOST = 20_000  # events that wait for tenants before consuming stops
_DUE_AT_ONCE = 256
_HANDED_OVER_AFTER_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a core is told once. An event for more than `fan_out` subscriptions is written as chunks first."""

    schedule: Schedule
    limits: Limits
    freshness: Freshness
    fan_out: int


class Core:
    """One process's deliveries. The shell feeds it what happened and carries out what `next` asks for."""

    def __init__(
        self,
        rules: Rules,
        *,
        decode: Callable[[Record], Content],
        target: Callable[[Subscription], Target],
        mark: Mark | None = None,
    ) -> None:
        self._rules = rules
        self._schedule = rules.schedule
        self._mark: Mark = mark or NoMark()
        repeats = Repeats()
        self._endings = Endings(rules.schedule, repeats)
        self._intake = Intake(rules.schedule, self._endings, repeats, decode, self._mark)
        self._tenants: Tenants[Work] = Tenants(rules.freshness, target)
        self._traffic = Traffic(rules.limits)
        self._flying = Flying()
        self._checking: dict[str, list[tuple[Entry, Delivery]]] = {}
        self._waited: deque[Work] = deque()  # for a tenant or a schema; goes on as the lanes have room
        self._step = Step()

    # ── what happened ────────────────────────────────────────────────────────────────────────────────────────────

    def assigned(self, partitions: Mapping[Partition, Position]) -> None:
        """These partitions are ours from now on, to be read from these positions."""
        self._intake.assigned(partitions)

    def lost(self, partitions: Iterable[Partition]) -> None:
        """These partitions are ours no longer: what is sent for them ends without effect, unless they come back."""
        self._intake.lost(partitions)
        self._flying.orphan()
        self._tenants.drop_waiting(_is_ours)
        self._waited = deque(filter(_is_ours, self._waited))

    def rewound(self, partition: Partition) -> None:
        """This partition's records come from the beginning again: its topic was made anew."""
        self._intake.rewound(partition)
        self._flying.forget_orphans()

    def records(self, now_ms: int, batch: Iterable[Record]) -> None:
        """Consumed records, of event topics or of delay topics."""
        for entry, event in self._intake.records(batch):
            self._go_on(now_ms, entry, event)

    def loaded(self, now_ms: int, tenant: str, loading: Loading) -> None:
        """The cache's answer for a tenant that was asked for."""
        self._waited += self._tenants.loaded(tenant, loading, now_ms)
        self._have_waited(now_ms)

    def schema_answered(self, now_ms: int, schema_id: int) -> None:
        """The registry answered for a schema: `decode` knows it now, or knows that there is none."""
        self._waited += self._intake.schema_answered(schema_id)
        self._have_waited(now_ms)

    def answered(self, now_ms: int, token: int, answer: Answer) -> None:
        """A request came to its end."""
        job = self._flying.end(token)
        if job is None:
            return  # given up meanwhile
        self._traffic.answered(job, answer, now_ms)
        if job.handed_over:
            if is_success(answer):
                self._step.succeeded_late.append(job.delivery.id)
        elif job.entry.window.closed:
            job.answer = answer
        else:
            self._ended(now_ms, job, answer)

    def checked(self, now_ms: int, delivery_id: str, *, succeeded: bool) -> None:
        """Whether a delivery that had been handed over was accepted after all; a lost mark costs one duplicate."""
        for entry, delivery in self._checking.pop(delivery_id, ()):
            if entry.window.closed:
                continue
            if succeeded:
                self._endings.drop(entry, "succeeded_late")
            else:
                self._go_on(now_ms, entry, replace(delivery, handed_over=False))

    def acknowledged(self, token: int) -> None:
        """Kafka has the record that was asked for under this token."""
        self._endings.acknowledged(token)

    def refused(self, now_ms: int, token: int, size: int) -> Write:
        """The record asked for under this token is too large for its topic: a stub takes its place. Returns it."""
        return self._endings.refused(now_ms, token, size, self._subscription)

    def _subscription(self, tenant: str, subscription_id: str) -> Subscription | None:
        known = self._tenants.known(tenant)
        target = None if known is None else known.target(subscription_id)
        return None if target is None else target.subscription

    # ── what is to be done ───────────────────────────────────────────────────────────────────────────────────────

    def next(self, now_ms: int, broker_now_ms: int, *, most: int = START_AT_ONCE) -> Step:
        """What the shell is to do now. `broker_now_ms` is the broker's clock, never ahead of it.

        At most so many requests are started; for 0 nothing is begun: what it would leave to be written has no room.
        """
        if most > 0:
            self._begin(now_ms, broker_now_ms, most)
        self._relieve(now_ms)
        step, self._step = self._step, Step()
        step.schemas = self._intake.schemas_asked()
        step.pause, step.resume = self._intake.pauses()
        step.write = self._endings.asked()
        step.load = self._tenants.wanted(now_ms)
        step.wake_ms = self._wake_ms(now_ms, broker_now_ms)
        return step

    @property
    def room(self) -> int:
        """How many records the shell may consume now; none before what has waited has gone on."""
        if self._waited:
            return 0
        return max(0, min(self._traffic.room, _WAITING_MOST - self._tenants.waiting))

    @property
    def busy(self) -> bool:
        """Whether anything is under way that the shell drives: requests, writes, loads, or what `next` has to tell."""
        asking = self._tenants.asking or bool(self._intake.waiting or self._checking or self._waited)
        return asking or bool(self._flying or self._step.attempts) or self._endings.pending

    @property
    def holds(self) -> bool:
        """Whether records wait to be due by the broker's clock."""
        return self._intake.next_due_ms is not None

    @property
    def paused(self) -> frozenset[Partition]:
        """The partitions that the core wants paused."""
        return self._intake.paused

    def counted(self) -> Mapping[str, int]:
        """What was counted since this was last asked, by name."""
        return self._endings.counted()

    def positions(self) -> dict[Partition, Position]:
        """What each partition may be committed as."""
        return self._intake.positions()

    # ── the end of an assignment or of the process ───────────────────────────────────────────────────────────────

    def drain(self, partitions: Iterable[Partition]) -> None:
        """Start nothing more for these partitions; what is under way may still be answered.

        Records of which nothing was begun stay unfinished: the next owner reads them again, and there is no second copy
        of them should this drain's commit fail. What others have left in a queue is spilled.
        """
        for partition in partitions:
            if partition in self._intake.windows:
                self._intake.windows[partition].draining = True
        queued = self._traffic.unqueue(lambda job: job.entry.window.draining)
        for job in [job for job in queued if job.entry.begun]:  # before a spill begins what is left of another
            self._endings.spill(job, 0)

    @property
    def drained(self) -> bool:
        """Whether nothing is under way for draining partitions and all that was written for them is acknowledged."""
        return not self._endings.draining and not self._flying.going

    def hand_over(self, now_ms: int) -> None:
        """Give up what draining partitions have unanswered: it counts as an attempt; the timeout's rest is kept."""
        for token, job in self._flying.give_up():
            self._step.cancel.append(token)
            self._traffic.abandoned(job, now_ms)
            self._endings.hand_over(job, now_ms, goes_on=False)

    # ── the way, step by step ────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, now_ms: int, broker_now_ms: int, most: int) -> None:
        """Whatever may begin now: what has waited, what is due, what the lanes may send; the overdue is spilled."""
        self._have_waited(now_ms)
        for entry, delayed in self._intake.due(broker_now_ms, min(_DUE_AT_ONCE, self._traffic.room)):
            self._go_on(now_ms, entry, delayed)
        for job in self._traffic.start(now_ms, most):
            self._send(now_ms, job)
        # After what could start: a lane that slept until now is no longer late.
        for job, wait_ms in self._traffic.overdue(now_ms):
            self._endings.spill(job, wait_ms)

    def _have_waited(self, now_ms: int) -> None:
        """What waited goes on, but no faster than the lanes have room: it may be more than they may ever hold."""
        while self._waited and self._traffic.room:
            self._go_on(now_ms, *self._waited.popleft())

    def _go_on(self, now_ms: int, entry: Entry, work: Event | Delayed) -> None:
        """Match, or look up the subscriptions a record names; either needs a view of the tenant."""
        if entry.window.draining:
            return
        event = work if isinstance(work, Event) else work.event
        known = self._tenants.look(event.tenant, now_ms)
        if known is None:
            self._tenants.park(event.tenant, (entry, work))
            return
        match work:
            case Event():
                self._plan(now_ms, entry, work, known)
            case Chunk():
                self._unpack(now_ms, entry, work, known)
            case Delivery():
                self._again(now_ms, entry, work, known)
            case _:
                assert_never(work)

    def _plan(self, now_ms: int, entry: Entry, event: Event, known: Known) -> None:
        self._mark.hold(entry.window.partition, entry.offset)
        targets = known.match(event)
        self._mark.let_go()
        if not targets:
            self._endings.drop(entry, "no_subscribers")
            return
        if len(targets) > self._rules.fan_out:
            ids = [target.subscription.id for target in targets]
            for start in range(0, len(ids), _CHUNK):
                chunk = Chunk(event=event, subscription_ids=tuple(ids[start : start + _CHUNK]), first_due_ms=now_ms)
                self._endings.write(entry, Delay(tier=0, delayed=chunk))
            entry.close_one()
            return
        self._deliver(now_ms, entry, event, targets, known, tier=-1, first_due_ms=now_ms)

    def _unpack(self, now_ms: int, entry: Entry, chunk: Chunk, known: Known) -> None:
        unwanted = [reason for each in chunk.subscription_ids if (reason := _unwanted(known.target(each))) is not None]
        if unwanted and known.seen_ms <= chunk.first_due_ms:
            self._tenants.park_for_newer(chunk.event.tenant, (entry, chunk), now_ms)
            return
        for reason in unwanted:
            self._endings.count_drop(reason)
        found = (known.target(each) for each in chunk.subscription_ids)
        targets = [target for target in found if target is not None and _unwanted(target) is None]
        self._deliver(now_ms, entry, chunk.event, targets, known, tier=0, first_due_ms=chunk.first_due_ms)

    def _deliver(
        self,
        now_ms: int,
        entry: Entry,
        event: Event,
        targets: Sequence[Target],
        known: Known,
        *,
        tier: int,
        first_due_ms: int,
    ) -> None:
        ended = entry.window.ended_before(entry.offset)
        entry.begun |= bool(ended)
        for target in targets:
            subscription_id = target.subscription.id
            name = delivery_id(event, subscription_id)
            if ended and done_map.short(name) in ended:
                self._endings.count_drop("repeat")
                continue
            delivery = Delivery(
                id=name,
                event=event,
                subscription_id=subscription_id,
                tier=tier,
                first_due_ms=first_due_ms,
            )
            entry.open += 1
            self._offer(now_ms, Job(entry=entry, delivery=delivery, target=target), known)
        entry.close_one()

    def _again(self, now_ms: int, entry: Entry, delivery: Delivery, known: Known) -> None:
        target = known.target(delivery.subscription_id)
        if delivery.handed_over:
            self._checking.setdefault(delivery.id, []).append((entry, delivery))
            self._step.check.append(delivery.id)
        elif target is not None and _unwanted(target) is None:
            self._offer(now_ms, Job(entry=entry, delivery=delivery, target=target), known)
        elif known.seen_ms <= delivery.first_due_ms:
            # A view older than the one it was planned with may not know of it yet.
            self._tenants.park_for_newer(delivery.event.tenant, (entry, delivery), now_ms)
        else:
            self._endings.drop(entry, _unwanted(target) or "deleted")

    def _offer(self, now_ms: int, job: Job, known: Known) -> None:
        """Every delivery passes here, whether it is its first try, a retry or a replay."""
        orphan = self._flying.adopt(job)
        if orphan is not None:  # sent before its record was lost and read again: not sent twice
            if orphan.answer is not None:
                self._ended(now_ms, orphan, orphan.answer)
            return
        subscription = job.target.subscription
        if subscription.status is Status.SUSPENDED or known.is_suspended(subscription.id):
            self._endings.bury(now_ms, job, job.delivery, DeathReason.SUSPENDED, "the webhook is suspended")
        elif now_ms >= self._schedule.expires_ms(job.delivery.first_due_ms):
            self._endings.bury(now_ms, job, job.delivery, DeathReason.EXPIRED, "the time allowed for it was over")
        else:
            wait_ms = self._traffic.offer(job, now_ms)
            if wait_ms is not None:
                self._endings.spill(job, wait_ms)

    def _send(self, now_ms: int, job: Job) -> None:
        if job.entry.window.closed:
            self._traffic.abandoned(job, now_ms)
            return
        delivery = job.delivery
        try:
            signer = job.target.signer
        except Unsignable as error:
            self._unsignable(now_ms, job, error)
            return
        if delivery.body is None:
            job.body, job.content_type = signer.body(delivery.event)
        else:
            job.body, job.content_type = delivery.body, delivery.content_type
        job.request = signer.request(event=delivery.event, body=job.body, content_type=job.content_type, now_ms=now_ms)
        self._step.send.append((self._flying.begin(job), job.request))

    def _unsignable(self, now_ms: int, job: Job, error: Unsignable) -> None:
        """What cannot be signed here fails this webhook's attempts and nobody else's."""
        answer = Failure(kind=FailureKind.UNSIGNABLE, detail=str(error), elapsed_ms=0)
        self._traffic.answered(job, answer, now_ms)
        self._ended(now_ms, job, answer)

    def _ended(self, now_ms: int, job: Job, answer: Answer) -> None:
        if job.entry.window.closed:
            return
        subscription = job.target.subscription
        retries = subscription.retries is not Retries.NONE
        outcome = decide(answer, job.delivery, self._schedule, retries=retries, now_ms=now_ms)
        tier = self._schedule.names[outcome.tier] if isinstance(outcome, Retry) else None
        self._endings.counts["attempts"] += 1
        self._step.attempts.append(logged(job, answer, outcome, next_tier=tier))
        match outcome:
            case Delivered():
                self._endings.counts["deliveries_delivered"] += 1
                job.entry.close_one(job.delivery.id)
            case Retry():
                self._endings.retry(job, attempted(job, answer), outcome.tier)
            case Dead():
                if outcome.suspend:
                    self._suspend(now_ms, job, answer)
                self._endings.bury(now_ms, job, attempted(job, answer), outcome.reason, described(answer))
            case _:
                assert_never(outcome)

    def _suspend(self, now_ms: int, job: Job, answer: Answer) -> None:
        """Once for a view of the tenant; from now on the subscription is taken as suspended."""
        subscription = job.target.subscription
        known = self._tenants.known(subscription.tenant)
        if subscription.status is Status.ACTIVE and (known is None or known.suspend(subscription.id)):
            self._endings.suspend(now_ms, job.entry, subscription, f"the endpoint answered {described(answer)}")

    # ── holding back ─────────────────────────────────────────────────────────────────────────────────────────────

    def _relieve(self, now_ms: int) -> None:
        """A window whose map is nearly full takes nothing more in, and hands over what is long unanswered."""
        for window in self._intake.windows.values():
            if not window.crowded or window.draining:
                continue
            self._intake.pause(window)
            for job in self._flying.unanswered(window, now_ms - _HANDED_OVER_AFTER_MS):
                job.handed_over = True
                self._endings.hand_over(job, now_ms, goes_on=True)

    def _wake_ms(self, now_ms: int, broker_now_ms: int) -> int | None:
        due_ms = self._intake.next_due_ms
        if due_ms is not None:
            due_ms += now_ms - broker_now_ms
        wishes = (due_ms, self._traffic.wake_ms(now_ms), self._tenants.wake_ms())
        return min((wish for wish in wishes if wish is not None), default=None)


def _unwanted(target: Target | None) -> Dropped | None:
    """Why nothing is delivered to it any more, when that is so."""
    if target is None:
        return "deleted"
    return "paused" if target.subscription.status is Status.PAUSED else None


def _is_ours(work: Work) -> bool:
    """Whether its partition still is."""
    return not work[0].window.closed
