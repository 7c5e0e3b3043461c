"""What this process knows of one webhook, has to tell of it, and was told: its side of a standing.

The laws:
- while a report is under way no other is made, so what it tells is answered or lost as a whole;
- what a standing says was so when its report was made; what this process saw since then counts more.
"""

from typing import Final

from consumer.delivery.allowance import Allowance
from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.lane import Lane
from consumer.delivery.standing import LEASE_FOR_MS, Report, Standing

EVERY_MS: Final = 250
EVERY_IDLE_MS: Final = 1_000  # where nothing is wanted, and only what others learn is waited for
LINGERS_MS: Final = LEASE_FOR_MS + 5_000  # until nobody remembers its sums, which begin anew with the next one
_ACTIVE_FOR_MS: Final = 1_000
_PAUSE_MS: Final = 20


class Account:
    """One webhook in one process."""

    def __init__(self, subscription_id: str, tenant: str, *, alone: bool) -> None:
        self.subscription_id = subscription_id
        self.tenant = tenant
        self.allowance = Allowance(alone=alone)
        self.lanes: list[Lane] = []  # the newest last: those of earlier URLs end
        self.standing: Standing | None = None
        self.standing_ms = 0  # when this came
        self.asking = False
        self.next_ms: float = 0.0  # when it reports next, whatever comes; 0: not at all
        self.asked_ms = 0
        self.active_ms = 0
        self._revision = 0
        self._slots = self._slots_told = self._slots_heard = 0
        self.lease = self._lease_told = 0  # the places that the others hold to be its own, and those that it told
        self._waits = self._waits_told = self._waits_heard = 0
        self.scope = ""  # of its lines in the ordered topic, once one of its keys has stopped here
        self.blocked = 0  # so many had, when it was last told
        self._horizon_ms = 0.0
        self._until_ms = 0.0
        self._telling: tuple[int, Entry] | None = None
        self._limits_told: tuple[float | None, int | None] = (None, None)

    # ── what happens here ────────────────────────────────────────────────────────────────────────────────────────

    def limited(self, revision: int, rate_per_s: float | None, max_concurrency: int | None) -> bool:
        """The webhook's limits as of this revision. True when they are others."""
        if revision < self._revision:
            return False
        self._revision = revision
        return self.allowance.limited(rate_per_s, max_concurrency)

    def slot(self, now_ms: int, rate_per_s: float) -> int:
        """Give the next slot of the webhook's schedule: the time at which its endpoint can take one more."""
        self._slots += 1
        self._horizon_ms = max(self._horizon_ms, now_ms) + 1_000 / rate_per_s
        return int(self._horizon_ms)

    def slot_back(self, now_ms: int, rate_per_s: float) -> None:
        """A slot was given up: its delivery was taken forward."""
        self._slots -= 1
        self._horizon_ms = max(now_ms, self._horizon_ms - 1_000 / rate_per_s)

    def put(self, due_ms: float) -> None:
        """One more delivery waits for its turn, until then."""
        self._waits += 1
        self._until_ms = max(self._until_ms, due_ms)

    def taken(self) -> None:
        """One that waited is taken up."""
        self._waits -= 1

    def horizon_ms(self, now_ms: int) -> float:
        """When the schedule's last slot is over."""
        return max(self._horizon_ms, now_ms)

    def telling(self, number: int, entry: Entry) -> None:
        """This is told as soon as the entry has ended."""
        self._telling = (number, entry)

    # ── what it tells ────────────────────────────────────────────────────────────────────────────────────────────

    def soon_ms(self, now_ms: int) -> float:
        """When it may report next, where something new is wanted: a moment after its last report."""
        return max(now_ms, self.asked_ms + _PAUSE_MS) if self.asked_ms else now_ms

    def is_active(self, now_ms: int) -> bool:
        """Whether anything is to be told or learned."""
        return (
            now_ms - self.active_ms < _ACTIVE_FOR_MS
            or self._horizon_ms > now_ms
            or (self.standing is not None and self.standing.behind)
            or self._slots != self._slots_heard
            or self._waits != self._waits_heard
            or self.allowance.flying > 0
            or self.lease > 0
            or self.allowance.starts > 0
            or any(lane.queue or lane.breaker.failing for lane in self.lanes)
        )

    def report(self, now_ms: int, blocked: int = 0) -> Report:
        """What is to be told now. It goes by no more places than it wants until it is answered."""
        self.blocked = blocked
        allowance = self.allowance
        early = sum(_is_early(job.delivery, now_ms) for lane in self.lanes for job in lane.queue)
        want = sum(len(lane.queue) for lane in self.lanes) + allowance.starts
        breaker = self.lanes[-1].breaker if self.lanes else None
        self.asking = True
        self.asked_ms = now_ms
        allowance.starts = 0
        self._slots_told, self._waits_told = self._slots, self._waits
        self._limits_told = self._limits
        places = allowance.shrink(allowance.flying + want)
        self._lease_told = 0 if allowance.max_concurrency is None else max(allowance.flying, places)
        return Report(
            subscription_id=self.subscription_id,
            tenant=self.tenant,
            revision=self._revision,
            rate_per_s=allowance.rate_per_s,
            max_concurrency=allowance.max_concurrency,
            heard=0 if self.standing is None else self.standing.number,
            want=want - early,
            want_forward=early,
            permits=allowance.permits(now_ms),
            flying=allowance.flying,
            places=places,
            pace_per_s=sum(lane.pace_per_s(now_ms) for lane in self.lanes),
            slots=self._slots,
            slots_heard=self._slots_heard,
            horizon_ms=max(0.0, self._horizon_ms - now_ms),
            waits=self._waits,
            waits_heard=self._waits_heard,
            until_ms=max(0.0, self._until_ms - now_ms),
            blocked=blocked,
            answered_ms=None if breaker is None else breaker.answered_for_ms(now_ms),
            accepted_ms=self.lanes[-1].accepted_for_ms(now_ms) if self.lanes else None,
            failing_ms=None if breaker is None else breaker.failing_for_ms(now_ms),
            open=None if breaker is None else breaker.opened(now_ms),
            early=bool(self.lanes) and self.lanes[-1].probes_early,
            probing=breaker is not None and breaker.probing,
            told=self._told,
        )

    # ── what it is told ──────────────────────────────────────────────────────────────────────────────────────────

    def heard(self, now_ms: int, standing: Standing | None, asked_ms: float) -> None:
        """What came back for a report of then; None: nothing, so this process keeps to its share of the limits."""
        self.asking = False
        if standing is None:
            self.allowance.leave_alone(now_ms)
            for lane in self.lanes:
                lane.breaker.alone()
            return
        self.standing, self.standing_ms = standing, now_ms
        self.lease = max(self._lease_told, standing.places or 0)
        if self._limits_told == self._limits:  # else it is of other limits, and what these allow is still to be asked
            self.allowance.given(asked_ms, standing.permits, standing.places)
        since = self._slots - self._slots_told
        self._horizon_ms = asked_ms + standing.horizon_ms
        if standing.pace_per_s > 0:
            self._horizon_ms += since * 1_000 / standing.pace_per_s
        self._slots_heard, self._waits_heard = self._slots_told, self._waits_told
        if self._waits == self._waits_heard:
            self._until_ms = 0.0
        for lane in self.lanes[-1:]:
            lane.breaker.heard(self.asked_ms, asked_ms, standing)

    @property
    def to_be_told(self) -> Standing | None:
        """The standing, if it says that the customer is to be told something, and that is not under way."""
        standing = self.standing
        if standing is None or standing.tell is None:
            return None
        return None if self._telling is not None and self._telling[0] == standing.telling else standing

    @property
    def _limits(self) -> tuple[float | None, int | None]:
        return self.allowance.rate_per_s, self.allowance.max_concurrency

    @property
    def _told(self) -> int:
        return self._telling[0] if self._telling is not None and self._telling[1].has_ended else 0


def _is_early(delivery: Delivery, now_ms: int) -> bool:
    """Whether it has waited for its turn and comes before its time: what is new goes before it."""
    return delivery.tier >= 0 and delivery.waits and (delivery.slot_ms is None or delivery.slot_ms > now_ms)
