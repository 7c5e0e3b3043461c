"""All lanes together: who may send next.

A lane with something to start takes turns with the others: each turn starts one request of it. Where the lanes stand
that cannot start anything is in `stands.py`.

The laws:
- a job offered is in exactly one place: queued, under way, or given back to be spilled;
- one tenant, or one origin, never has all of the process, however much of it is idle;
- large bodies under way are bounded in bytes too, of one tenant to half; what is small starts all the same;
- what waits for slow endpoints takes no room from what waits for this process, as long as both are within `queued`;
- what waits for a name is not under way: it takes nobody's place, and nothing of it is held against its endpoint.
"""

from collections import deque
from collections.abc import Callable, Iterator

from consumer.delivery import worth
from consumer.delivery.account import Account
from consumer.delivery.delivery import Delivery
from consumer.delivery.hold import Delayed
from consumer.delivery.lane import ASLEEP, IDLE, READY, UNNAMED, Job, Lane
from consumer.delivery.lanes import Lanes
from consumer.delivery.limit import Bulk
from consumer.delivery.limits import LARGE_BYTES, START_AT_ONCE, Limits
from consumer.delivery.names import PATIENCE_MS, EveryName, Named, Names, Resolution
from consumer.delivery.outcome import Asked
from consumer.delivery.schedule import Wait
from consumer.delivery.slots import Slots
from consumer.delivery.standing import Standing
from consumer.delivery.standings import Standings
from consumer.delivery.stands import Stands
from consumer.delivery.worth import SWEEP_EVERY_MS, Worth
from consumer.webhooks.subscription import Subscription


class Traffic:
    """The lanes of one process."""

    def __init__(
        self,
        limits: Limits,
        *,
        shared: bool = False,
        awaited: Callable[[str], bool] = lambda _: False,
        blocked: Callable[[str], int] = lambda _: 0,
        names: Names | None = None,
    ) -> None:
        """`shared`: other processes start requests to the same endpoints, and `standings` tells of them.

        `awaited`: something of this webhook waits in this process to be tried; `blocked`: see `Standings`.
        """
        self._limits = limits
        self.names = names or EveryName()
        self.standings = Standings(shared=shared, awaited=awaited, blocked=blocked)
        self._lanes = Lanes(
            limits.in_flight,
            limits.tenant_in_flight,
            limits.breaker_times_ms,
            tenant_bulk_bytes=limits.bulk_bytes // 2,
            forgotten=self.standings.left,
        )
        self._slots = Slots(self.standings, limits.patience.wait_ms)
        self._stands = Stands(Bulk(limits.bulk_bytes))
        self._worth = Worth()
        self._sweep_ms = 0
        self._looked_ms = 0
        self.queued = 0
        self.flying = 0

    @property
    def room(self) -> int:
        """How many more deliveries may be queued: for us about half a second's work, so that none waits long."""
        return self._worth.room(self.queued, self._limits.queued)

    @property
    def spare(self) -> int:
        """How many more deliveries may go forward: a quarter of the process is left to what is due."""
        return max(0, min(self.room // 2, self._limits.in_flight * 3 // 4 - self.flying))

    def appetite(self, subscription: Subscription, now_ms: int) -> int:
        """How many more deliveries its lane could start soon."""
        lane = self._lane(subscription)
        return 0 if lane.stand is UNNAMED else lane.appetite(now_ms)

    def offer(self, job: Job, now_ms: int) -> Wait | None:
        """Queue the job, or return the wait that it would have had, for which it is to be spilled.

        One whose slot is still ahead waits on: what is to be taken before its slot comes without it.
        """
        lane = job.lane = self._lane(job.target.subscription)
        delivery, patience = job.delivery, self._limits.patience
        if lane.allowance is not None or delivery.slot_ms is not None:
            wait = self._slots.ahead(lane, job, now_ms)
            if wait is not None:
                return wait
        slow_ms = lane.slow_ms(now_ms, self._looked_ms)
        wait_ms = lane.wait_ms(now_ms, slow_ms, new=not (delivery.attempts or delivery.climbed))
        if wait_ms > patience.wait_ms or (patience.slow_ms is not None and slow_ms > patience.slow_ms):
            return Wait(ms=wait_ms, unreachable=not lane.breaker.closed)
        job.queued_ms = now_ms
        job.size = len(delivery.body or delivery.event.data)
        lane.queue.append(job)
        if not lane.listed:
            self._lanes.stir(lane)
        self.queued += 1
        if lane.stand is IDLE and (flying := len(lane.flying)) < lane.concurrency and flying < lane.limit.now:
            lane.stand = READY
            self._stands.ready.append(lane)
        return None

    def slot_ms(self, job: Job, wait: Wait, now_ms: int, until_ms: int) -> int:
        """When a job that was given back has its turn; `until_ms` at the latest."""
        return self._slots.slot_ms(_lane_of(job), job, wait, now_ms, until_ms)

    def sooner(self, now_ms: int, delayed: Delayed) -> Delayed:
        """The same to be started before its slot, which it gives back."""
        if not isinstance(delayed, Delivery) or delayed.slot_ms is None:
            return delayed
        return self._slots.given_back(now_ms, delayed)

    def start(self, now_ms: int, most: int = START_AT_ONCE) -> Iterator[Job]:
        """At most so many jobs to send now, each under way as it is yielded; some may be left for the next turn.

        Once a turn, before answers are looked for.
        """
        self._looked_ms = now_ms
        stands = self._stands
        for host in self.names.overdue(now_ms):
            stands.renamed(host)
        stands.wake(now_ms)
        ready, full = stands.ready, min(self._limits.in_flight, self.flying + min(most, START_AT_ONCE))
        while ready and self.flying < full:
            lane = ready.popleft()
            lane.stand = IDLE
            goes = lane.queue and lane.queue[0].size <= LARGE_BYTES and lane.goes(now_ms)
            if goes or not stands.stays(lane, now_ms):
                named = self.names.look(lane.share.tenant, lane.origin.host, now_ms)
                if named is not None:
                    yield self._depart(lane, named, now_ms)
                    continue
                stands.unname(lane)
            stands.unblock(lane)
            if lane.stand is ASLEEP:
                self.standings.lacks(lane, now_ms)

    def answered(self, job: Job, asked: Asked, now_ms: int) -> None:
        """The job's request came to an end: its lane and origin learn from it."""
        lane = job.lane or _lane_of(job)
        breaker = lane.breaker
        if asked.success and not lane.streak.failures and not breaker.failures and breaker.level < 0:
            lane.answered(job, now_ms)
            if lane.origin.limit.now < lane.origin.most:
                lane.origin.accepted()
        else:
            self._learned(lane, job, asked, now_ms)
        self._landed(lane, job, now_ms)

    def _learned(self, lane: Lane, job: Job, asked: Asked, now_ms: int) -> None:
        """Its endpoint failed, or did so before."""
        was_failing = lane.fails
        lane.heard(now_ms, success=asked.success)
        if not asked.heard:
            lane.failed(job, now_ms, unreachable=asked.unreachable)
        elif asked.slow_down:
            lane.refused(job, now_ms, asked.retry_after_ms, too_many=asked.too_many)
            lane.origin.objected(now_ms)
        else:
            lane.answered(job, now_ms)
            lane.origin.accepted()
        if lane.fails:
            self.standings.failed(lane, job.target.subscription, now_ms)
        elif was_failing:
            self.standings.recovered(lane, now_ms)

    def abandoned(self, job: Job, now_ms: int) -> None:
        """The job's request was given up."""
        lane = _lane_of(job)
        lane.abandoned(job)
        self._landed(lane, job, now_ms)

    def put_back(self, job: Job, now_ms: int) -> None:
        """The job's request came to nothing, which teaches its lane nothing: it is the next one again."""
        lane = _lane_of(job)
        lane.abandoned(job)
        job.queued_ms = now_ms
        lane.queue.appendleft(job)
        if not lane.listed:
            self._lanes.stir(lane)
        self.queued += 1
        self._landed(lane, job, now_ms)

    def waits(self, now_ms: int, job: Job, until_ms: float) -> None:
        """The job waits in the delay topics for its turn, until about then."""
        subscription = job.target.subscription
        self.standings.put(now_ms, subscription.id, subscription.tenant, until_ms)

    def taken_up(self, now_ms: int, job: Job) -> None:
        """The job waited for its turn in the delay topics, and does so no longer."""
        subscription = job.target.subscription
        self.standings.taken(now_ms, subscription.id, subscription.tenant)

    def named(self, now_ms: int, host: str, resolution: Resolution) -> None:
        """What name servers say of a name that was asked for."""
        self.names.answered(host, resolution, now_ms)
        self._stands.renamed(host)

    @property
    def asking(self) -> bool:
        """Whether a standing is waited for."""
        return self.standings.asking > 0

    def heard(
        self, now_ms: int, subscription_id: str, standing: Standing | None, *, ago_ms: float = 0.0
    ) -> Account | None:
        """What all processes knew of a webhook so long ago, and what this one may do; None: nobody could be asked.

        Returns its account, if it has one here.
        """
        account = self.standings.heard(now_ms, subscription_id, standing, ago_ms=ago_ms)
        for lane in () if account is None else account.lanes:
            if lane.stand is ASLEEP:
                self._stands.rouse(lane)  # it sleeps again, as long as it still has to
        return account

    def overdue(self, now_ms: int) -> list[tuple[Job, Wait]]:
        """Jobs that have waited out the patience, with the wait still before them; four times a second.

        Not those of a lane whose turn is next: they waited for this process, which is no fault of their endpoint's.
        """
        if now_ms < self._sweep_ms:
            return []
        passed_ms, looked = now_ms - self._sweep_ms + SWEEP_EVERY_MS, (now_ms, self._looked_ms)
        self._worth.measure(passed_ms, self._lanes.busy, self._stands.blocked, looked)
        self._sweep_ms = now_ms + SWEEP_EVERY_MS
        spilled = self._out_of_patience(now_ms) if self.queued else []
        self._lanes.settle(now_ms)
        return spilled

    def _out_of_patience(self, now_ms: int) -> list[tuple[Job, Wait]]:
        patience_ms = self._limits.patience.wait_ms
        spilled: list[tuple[Job, Wait]] = []
        process_full = self.flying >= self._limits.in_flight
        for lane in self._lanes.busy:
            if lane.stand is READY and not process_full:
                continue
            while lane.queue and now_ms - lane.queue[0].queued_ms > patience_ms:
                wait_ms = lane.wait_ms(now_ms, lane.slow_ms(now_ms, self._looked_ms))
                if lane.stand is UNNAMED:  # it is decided by then, unless there is no place to ask for its name
                    wait_ms = max(wait_ms, PATIENCE_MS)
                spilled.append((lane.queue.popleft(), Wait(ms=wait_ms, unreachable=not lane.breaker.closed)))
                self._stands.turned(lane)
        self.queued -= len(spilled)
        return spilled

    def unqueue(self, chosen: Callable[[Job], bool]) -> list[Job]:
        """Take the chosen queued jobs out: a drain spills them."""
        taken: list[Job] = []
        for lane in self._lanes.busy:
            if any(map(chosen, lane.queue)):
                taken += filter(chosen, lane.queue)
                lane.queue = deque(job for job in lane.queue if not chosen(job))
                self._stands.turned(lane)
        self.queued -= len(taken)
        return taken

    def lane_states(self, now_ms: int) -> dict[str, int]:
        """The busy lanes by how their endpoints do: each in the first of these that is true of it."""
        return worth.states(self._lanes.busy, self._limits.patience.wait_ms, (now_ms, self._looked_ms))

    def wake_ms(self, now_ms: int) -> int | None:
        """When the next sleeping lane wakes or the next waiting job has lost its patience."""
        sweep_ms = max(now_ms, self._sweep_ms) if self.queued else None
        wakes_ms = self._stands.wake_ms
        return wakes_ms if sweep_ms is None or (wakes_ms is not None and wakes_ms < sweep_ms) else sweep_ms

    def _depart(self, lane: Lane, named: Named, now_ms: int) -> Job:
        job = lane.queue.popleft()
        job.named = named
        job.started_ms = now_ms
        lane.started(job, now_ms)
        lane.share.flying += 1
        lane.origin.flying += 1
        if job.size > LARGE_BYTES:
            self._stands.bulk.bytes += job.size
            lane.share.bulk.bytes += job.size
        self.flying += 1
        self._worth.departed += 1
        self.queued -= 1
        stands = self._stands
        if lane.queue:
            stands.settle(lane)
        if stands.blocked:
            stands.unblock(lane)
        return job

    def _landed(self, lane: Lane, job: Job, now_ms: int) -> None:
        lane.share.flying -= 1
        lane.origin.flying -= 1
        if job.size > LARGE_BYTES:
            self._stands.bulk.bytes -= job.size
            lane.share.bulk.bytes -= job.size
        self.flying -= 1
        if lane.allowance is not None:
            self.standings.landed(lane, now_ms)
        stands = self._stands
        if stands.blocked:
            stands.unblock(lane)
        if lane.stand is ASLEEP:
            if lane.sleep_ms(now_ms) <= 0:
                stands.rouse(lane)
        elif lane.queue:
            stands.settle(lane)

    def _lane(self, subscription: Subscription) -> Lane:
        lane = self._lanes.known((subscription.id, subscription.url)) or self._lanes.of(subscription)
        lane.concurrency = subscription.max_concurrency or self._limits.lane_concurrency
        if (
            subscription.rate_per_s is not None
            or subscription.max_concurrency is not None
            or lane.allowance is not None
        ) and self.standings.limited(lane, subscription):
            for each in self.standings.opened(subscription.id, subscription.tenant).lanes:
                if each.stand is ASLEEP:
                    self._stands.rouse(each)
        return lane


def _lane_of(job: Job) -> Lane:
    if job.lane is None:
        raise AssertionError("a job under way was offered to a lane first")
    return job.lane
