"""All lanes together: who may send next.

A lane with something to start is READY and stands in the round; each turn starts one request of it, so that a busy
lane takes turns with the others. Without room at its origin or in its tenant's share it is BLOCKED there; kept back by
its rate limit, a Retry-After or its breaker it is ASLEEP on the timer; until its host's name is known it is UNNAMED;
with as much under way as it may have it is IDLE until an answer comes.

The laws:
- a job offered is in exactly one place: queued, under way, or given back to be spilled;
- no lane stays BLOCKED where there is room, unless another lane of that origin or tenant is READY to take it;
- one tenant, or one origin, never has all of the process, however much of it is idle;
- large bodies under way are bounded in bytes too, of one tenant to half; what is small starts all the same;
- what waits for slow endpoints takes no room from what waits for this process, as long as both are within `queued`;
- what waits for a name is not under way: it takes nobody's place, and nothing of it is held against its endpoint.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final, TypeAlias

from msgspec.structs import replace

from consumer.delivery import slots
from consumer.delivery.account import Account
from consumer.delivery.budget import DEFAULT
from consumer.delivery.delivery import Delivery
from consumer.delivery.hold import Delayed
from consumer.delivery.lane import ASLEEP, BLOCKED, IDLE, READY, UNNAMED, Job, Lane, Patience
from consumer.delivery.lanes import Lanes
from consumer.delivery.limit import Bulk, Origin, Share
from consumer.delivery.names import PATIENCE_MS, EveryName, Named, Names, Resolution
from consumer.delivery.outcome import Asked
from consumer.delivery.schedule import Wait
from consumer.delivery.standing import Standing
from consumer.delivery.standings import Standings
from consumer.webhooks.subscription import Subscription

# Where answers come at once, few are then under way, and what they touch stays in the processor's cache: a fifth of a
# delivery's cost. Where they come late, what is under way grows turn by turn.
START_AT_ONCE = 64
LARGE_BYTES: Final = 4_096  # as many bodies as may be under way, of so many bytes each, come to little
_SWEEP_EVERY_MS = 250
# What is queued when a process dies is partly delivered: the less, the fewer duplicates. More than this gains no speed.
_WORTH_MS = 500
_WORTH_LEAST, _WORTH_MOST = 256, 1_024
_KEPT_BACK = frozenset({ASLEEP, UNNAMED})

OPEN: Final = "open"  # its breaker: the endpoint cannot be reached
KEPT_BACK: Final = "kept_back"  # by its rate limit or a Retry-After
SLOW: Final = "slow"  # it answers later than a delivery waits for its turn
IN_ORDER: Final = "in_order"
LANE_STATES: Final = (OPEN, KEPT_BACK, SLOW, IN_ORDER)


Holder: TypeAlias = Origin | Share | Bulk


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`in_flight` and `queued` are per process, `lane_concurrency` per subscription without one of its own.

    `tenant_in_flight` is the most of `in_flight` that one tenant has. Of large bodies `bulk_bytes` are under way at
    most, but for the last one, and half of them of one tenant.
    """

    in_flight: int
    tenant_in_flight: int
    queued: int
    lane_concurrency: int
    patience: Patience
    breaker_times_ms: tuple[int, ...]
    bulk_bytes: int = DEFAULT.under_way


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
        self._bulk = Bulk(limits.bulk_bytes)
        self._ready: deque[Lane] = deque()
        self._blocked: dict[Holder, deque[Lane]] = {}
        self._unnamed: dict[str, list[Lane]] = {}
        self._asleep: list[tuple[int, int, Lane]] = []
        self._order = count()
        self._sweep_ms = 0
        self._looked_ms = 0
        self._departed = 0
        self._worth_queueing = _WORTH_LEAST
        self._stuck = 0
        self.queued = 0
        self.flying = 0

    @property
    def room(self) -> int:
        """How many more deliveries may be queued: for us about half a second's work, so that none waits long."""
        for_us = max(0, self.queued - self._stuck)
        return max(0, min(self._limits.queued - self.queued, self._worth_queueing - for_us))

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
        if lane.allowance is not None or job.delivery.slot_ms is not None:
            wait = self._ahead(lane, job, now_ms)
            if wait is not None:
                return wait
        wait_ms = lane.wait_ms(now_ms, self._looked_ms, new=job.delivery.is_new)
        slow_ms = self._limits.patience.slow_ms
        if wait_ms > self._limits.patience.wait_ms or (
            slow_ms is not None and lane.slow_ms(now_ms, self._looked_ms) > slow_ms
        ):
            return Wait(ms=wait_ms, unreachable=not lane.breaker.closed)
        job.queued_ms = now_ms
        job.size = len(job.delivery.body or job.delivery.event.data)
        lane.queue.append(job)
        if not lane.listed:
            self._lanes.stir(lane)
        self.queued += 1
        if lane.stand is IDLE:
            self._settle(lane)
        return None

    def slot_ms(self, job: Job, wait: Wait, now_ms: int, until_ms: int) -> int:
        """When a job that was given back has its turn; `until_ms` at the latest."""
        slot_ms = job.delivery.slot_ms
        if wait.on and slot_ms is not None:
            return min(slot_ms, until_ms)
        lane = _lane_of(job)
        account = self.standings.joined(lane, job.target.subscription)
        self.standings.watch(account, now_ms)
        # What is queued before it here has its turn within the patience, or waits as it does.
        most_ms = wait.ms if lane.stand is UNNAMED else self._limits.patience.wait_ms
        busy_ms = max(lane.sleep_ms(now_ms), min(wait.ms, most_ms))
        return slots.give(lane, account, now_ms=now_ms, busy_ms=busy_ms, until_ms=until_ms)

    def sooner(self, now_ms: int, delayed: Delayed) -> Delayed:
        """The same to be started before its slot, which it gives back."""
        if not isinstance(delayed, Delivery) or delayed.slot_ms is None:
            return delayed
        account = self.standings.account(delayed.subscription_id)
        if account is not None and account.lanes and delayed.slot_ms > now_ms:
            account.slot_back(now_ms, slots.rate_per_s(account.lanes[-1], account, now_ms))
        return replace(delayed, slot_ms=None)

    def start(self, now_ms: int, most: int = START_AT_ONCE) -> Iterator[Job]:
        """At most so many jobs to send now, each under way as it is yielded; some may be left for the next turn.

        Once a turn, before answers are looked for.
        """
        self._looked_ms = now_ms
        for host in self.names.overdue(now_ms):
            self._renamed(host)
        while self._asleep and self._asleep[0][0] <= now_ms:
            at_ms, _, lane = heapq.heappop(self._asleep)
            if lane.stand is ASLEEP and lane.asleep_until_ms == at_ms:
                self._rouse(lane)
        full = min(self._limits.in_flight, self.flying + min(most, START_AT_ONCE))
        while self._ready and self.flying < full:
            lane = self._ready.popleft()
            lane.stand = IDLE
            if not lane.queue or not lane.has_room:
                self._unblock(lane)
                continue
            sleep_ms = lane.sleep_ms(now_ms)
            if sleep_ms > 0:
                lane.stand = ASLEEP
                lane.asleep_until_ms = int(now_ms + sleep_ms)
                heapq.heappush(self._asleep, (lane.asleep_until_ms, next(self._order), lane))
                self._unblock(lane)
                self.standings.lacks(lane, now_ms)
            elif (holder := lane.full or self._full_of_bulk(lane)) is not None:
                lane.stand = BLOCKED
                self._blocked.setdefault(holder, deque()).append(lane)
                self._unblock(lane)
            elif (named := self.names.look(lane.share.tenant, lane.origin.host, now_ms)) is None:
                lane.stand = UNNAMED
                self._unnamed.setdefault(lane.origin.host, []).append(lane)
                self._unblock(lane)
            else:
                yield self._depart(lane, named, now_ms)

    def answered(self, job: Job, asked: Asked, now_ms: int) -> None:
        """The job's request came to an end: its lane and origin learn from it."""
        lane = _lane_of(job)
        was_failing = lane.fails or lane.breaker.failing
        lane.heard(now_ms, success=asked.success)
        if not asked.heard:
            lane.failed(job, now_ms, unreachable=asked.unreachable)
        elif asked.slow_down:
            lane.refused(job, now_ms, asked.retry_after_ms, too_many=asked.too_many)
            lane.origin.objected(now_ms)
        else:
            lane.answered(job, now_ms)
            lane.origin.accepted()
        if lane.fails or lane.breaker.failing:
            self.standings.failed(lane, job.target.subscription, now_ms)
        elif was_failing:
            self.standings.recovered(lane, now_ms)
        self._landed(lane, job, now_ms)

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
        self._renamed(host)

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
                self._rouse(lane)  # it sleeps again, as long as it still has to
        return account

    def overdue(self, now_ms: int) -> list[tuple[Job, Wait]]:
        """Jobs that have waited out the patience, with the wait still before them; four times a second.

        Not those of a lane whose turn is next: they waited for this process, which is no fault of their endpoint's.
        """
        if now_ms < self._sweep_ms:
            return []
        self._measure(now_ms)
        self._sweep_ms = now_ms + _SWEEP_EVERY_MS
        spilled = self._out_of_patience(now_ms) if self.queued else []
        self._lanes.settle(now_ms)
        return spilled

    def _ahead(self, lane: Lane, job: Job, now_ms: int) -> Wait | None:
        """The wait of a job whose turn is ahead by what was given already, to it or to others before it."""
        account = None if lane.allowance is None else self.standings.account(lane.key[0])
        if account is None:  # what waits here is what its pace is to be known for
            account = self.standings.joined(lane, job.target.subscription)
        ahead_ms = slots.ahead_ms(job.delivery, account, now_ms)
        if ahead_ms <= self._limits.patience.wait_ms or not lane.breaker.closed:
            return None
        return Wait(ms=ahead_ms if job.delivery.slot_ms is not None else 0.0, on=job.delivery.slot_ms is not None)

    def _out_of_patience(self, now_ms: int) -> list[tuple[Job, Wait]]:
        patience_ms = self._limits.patience.wait_ms
        spilled: list[tuple[Job, Wait]] = []
        process_full = self.flying >= self._limits.in_flight
        for lane in self._lanes.busy:
            if lane.stand is READY and not process_full:
                continue
            while lane.queue and now_ms - lane.queue[0].queued_ms > patience_ms:
                wait_ms = lane.wait_ms(now_ms, self._looked_ms)
                if lane.stand is UNNAMED:  # it is decided by then, unless there is no place to ask for its name
                    wait_ms = max(wait_ms, PATIENCE_MS)
                spilled.append((lane.queue.popleft(), Wait(ms=wait_ms, unreachable=not lane.breaker.closed)))
                self._turned(lane)
        self.queued -= len(spilled)
        return spilled

    def unqueue(self, chosen: Callable[[Job], bool]) -> list[Job]:
        """Take the chosen queued jobs out: a drain spills them."""
        taken: list[Job] = []
        for lane in self._lanes.busy:
            if any(map(chosen, lane.queue)):
                taken += filter(chosen, lane.queue)
                lane.queue = deque(job for job in lane.queue if not chosen(job))
                self._turned(lane)
        self.queued -= len(taken)
        return taken

    def lane_states(self, now_ms: int) -> dict[str, int]:
        """The busy lanes by how their endpoints do: each in the first of these that is true of it."""
        states = dict.fromkeys(LANE_STATES, 0)
        for lane in self._lanes.busy:
            states[self._state(lane, now_ms)] += 1
        return states

    def _state(self, lane: Lane, now_ms: int) -> str:
        if not lane.breaker.closed:
            return OPEN
        if lane.stand is ASLEEP:
            return KEPT_BACK
        slow_ms = self._limits.patience.wait_ms
        return SLOW if lane.slow_ms(now_ms, self._looked_ms) > slow_ms else IN_ORDER

    def wake_ms(self, now_ms: int) -> int | None:
        """When the next sleeping lane wakes or the next waiting job has lost its patience."""
        sweep_ms = max(now_ms, self._sweep_ms) if self.queued else None
        if self._asleep and (sweep_ms is None or self._asleep[0][0] < sweep_ms):
            return self._asleep[0][0]
        return sweep_ms

    def _measure(self, now_ms: int) -> None:
        """What this process is worth, and how many queued jobs it is not to blame for.

        A process that is itself the slow part consumes less; it does not spill what it took too early.
        """
        passed_ms = max(1, now_ms - self._sweep_ms + _SWEEP_EVERY_MS)
        self._worth_queueing = min(_WORTH_MOST, max(_WORTH_LEAST, self._departed * _WORTH_MS // passed_ms))
        self._departed = 0
        slow = [lane for lane in self._lanes.busy if lane.is_busy and self._is_slow(lane, now_ms)]
        held: Counter[Origin | Share] = Counter()
        for lane in slow:
            for holder in lane.holders:
                held[holder] += len(lane.flying)
        clogged = {holder for holder, flying in held.items() if flying * 2 > holder.flying}
        counted = set(slow)
        self._stuck = sum(len(lane.queue) for lane in slow) + sum(
            len(lane.queue) for holder in clogged for lane in self._blocked.get(holder, ()) if lane not in counted
        )

    def _is_slow(self, lane: Lane, now_ms: int) -> bool:
        return lane.stand in _KEPT_BACK or lane.slow_ms(now_ms, self._looked_ms) > _WORTH_MS

    def _depart(self, lane: Lane, named: Named, now_ms: int) -> Job:
        job = lane.queue.popleft()
        job.named = named
        job.started_ms = now_ms
        lane.started(job, now_ms)
        lane.share.flying += 1
        lane.origin.flying += 1
        if job.size > LARGE_BYTES:
            self._bulk.bytes += job.size
            lane.share.bulk.bytes += job.size
        self.flying += 1
        self._departed += 1
        self.queued -= 1
        self._settle(lane)
        self._unblock(lane)
        return job

    def _landed(self, lane: Lane, job: Job, now_ms: int) -> None:
        lane.share.flying -= 1
        lane.origin.flying -= 1
        if job.size > LARGE_BYTES:
            self._bulk.bytes -= job.size
            lane.share.bulk.bytes -= job.size
        self.flying -= 1
        self.standings.landed(lane, now_ms)
        self._unblock(lane)
        if lane.stand is ASLEEP and lane.sleep_ms(now_ms) <= 0:
            self._rouse(lane)
        else:
            self._settle(lane)

    def _unblock(self, left: Lane) -> None:
        """Room where a lane was goes to the next lane there that can use it, however it came about and who left it."""
        if not self._blocked:
            return
        for holder in (*left.holders, left.share.bulk, self._bulk):
            blocked = self._blocked.get(holder)
            while blocked and holder.has_room:
                lane = blocked.popleft()
                if not lane.is_blocked:
                    continue
                other = lane.full or self._full_of_bulk(lane)
                if other is not None:
                    self._blocked.setdefault(other, deque()).append(lane)
                    continue
                self._rouse(lane)
                if lane.stand is READY:
                    break
            if blocked is not None and not blocked:
                del self._blocked[holder]

    def _full_of_bulk(self, lane: Lane) -> Bulk | None:
        """Where there is no room for the next request of this lane, whose body is large."""
        if not lane.queue or lane.queue[0].size <= LARGE_BYTES:
            return None
        return next((bulk for bulk in (lane.share.bulk, self._bulk) if not bulk.has_room), None)

    def _turned(self, lane: Lane) -> None:
        """Another job is at its head than the one for which there was no room, or it had to sleep."""
        if lane.is_blocked or lane.stand is ASLEEP:
            self._rouse(lane)

    def _renamed(self, host: str) -> None:
        """There is something to be said of this name: its lanes look again when it is their turn."""
        for lane in self._unnamed.pop(host, ()):
            self._rouse(lane)

    def _rouse(self, lane: Lane) -> None:
        lane.stand = IDLE
        self._settle(lane)

    def _settle(self, lane: Lane) -> None:
        if lane.stand is IDLE and lane.queue and lane.has_room:
            lane.stand = READY
            self._ready.append(lane)

    def _lane(self, subscription: Subscription) -> Lane:
        lane = self._lanes.of(subscription)
        lane.concurrency = subscription.max_concurrency or self._limits.lane_concurrency
        if (
            subscription.rate_per_s is not None
            or subscription.max_concurrency is not None
            or lane.allowance is not None
        ) and self.standings.limited(lane, subscription):
            for each in self.standings.opened(subscription.id, subscription.tenant).lanes:
                if each.stand is ASLEEP:
                    self._rouse(each)
        return lane


def _lane_of(job: Job) -> Lane:
    if job.lane is None:
        raise AssertionError("a job under way was offered to a lane first")
    return job.lane
