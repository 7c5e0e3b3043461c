"""A lane: the deliveries of one subscription, waiting and under way, and what is known of their endpoint's pace.

The law: a lane decides by its own state and the time alone; a request is under way from its start until it is answered
or given up, and the lane learns from it once.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import msgspec

from consumer.delivery.allowance import Allowance
from consumer.delivery.answer import Answer
from consumer.delivery.breaker import Breaker
from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.limit import Limit, Origin, Share
from consumer.delivery.names import Named
from consumer.delivery.outcome import Retry
from consumer.delivery.spacing import Spacing
from consumer.delivery.standing import AHEAD_MS
from consumer.delivery.streak import Streak
from consumer.delivery.target import Target
from consumer.signing.written import Outgoing

_SHARE_OF_NEWEST = 0.2
_FORGET_PACE_AFTER_MS = 30_000
_SOON_MS = 500
_UNANSWERED = 2.0
_LONGEST_ASKED_MS = 60_000  # the delivery itself waits in its tier, the lane not that long


class Stand(Enum):
    """Where a lane stands in the traffic."""

    IDLE = auto()  # nothing to start, or as much under way as it may have
    READY = auto()  # in the round
    BLOCKED = auto()  # in the queue of its origin or its tenant
    UNNAMED = auto()  # until its host's name is known
    ASLEEP = auto()  # until its rate limit, Retry-After or breaker lets it go on


# Python 3.11 takes longer to find a member than to compare it, and a delivery does so eight times.
IDLE, READY, BLOCKED, UNNAMED, ASLEEP = Stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What would wait longer than `wait_ms` is spilled; a lane usually slower than `slow_ms` at once (None: never)."""

    wait_ms: float = 2_000
    slow_ms: float | None = 2_000


class Job(msgspec.Struct, kw_only=True, eq=False):
    """A delivery in this process, queued or under way, with the record it must end for.

    Mutable on purpose: it lives from offer to outcome, tens of thousands of times a second. What is sent and answered
    may hold secrets: the repr has neither.
    """

    entry: Entry
    delivery: Delivery
    target: Target
    lane: "Lane | None" = None
    size: int = 0  # of its body, or about that
    queued_ms: int = 0
    started_ms: int = 0
    probe: bool = False
    named: Named = ()  # where it is sent to, or why nowhere: from its start on
    handed_over: Retry | None = None  # what becomes of it whatever its answer, which may still come
    request: Outgoing | None = None
    traced: str | None = None  # the `traceparent` of its request, where the attempt is traced
    answer: Answer | None = None  # one that came when the record was not ours

    @property
    def body(self) -> bytes:
        """What is sent; empty as long as there is no request."""
        return b"" if self.request is None else self.request.body

    @property
    def content_type(self) -> str:
        """What that is."""
        return "" if self.request is None else self.request.content_type

    def __repr__(self) -> str:
        return f"Job({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # a Struct's own shows every field
        shown = ("delivery", "size", "queued_ms", "started_ms", "probe", "handed_over")
        return [(name, getattr(self, name)) for name in shown]


class Lane:
    """The lane of one subscription at one URL."""

    __slots__ = (
        "_accepted_ms",
        "_answered_ms",
        "_asked_ms",
        "_not_before_ms",
        "_pace_ms",
        "_spacing",
        "_usual_ms",
        "allowance",
        "asleep_until_ms",
        "breaker",
        "concurrency",
        "flying",
        "holders",
        "kept_ms",
        "key",
        "limit",
        "listed",
        "origin",
        "queue",
        "share",
        "stand",
        "streak",
    )

    def __init__(self, key: tuple[str, str], origin: Origin, share: Share, breaker: Breaker) -> None:
        self.key = key  # its subscription and URL
        self.origin = origin
        self.share = share
        self.holders = (share, origin)  # each of them has to have room for a request
        self.breaker = breaker
        self.queue: deque[Job] = deque()
        self.flying: dict[Job, int] = {}  # to when each was started, oldest first
        self.stand = IDLE
        self.asleep_until_ms = 0
        self.listed = False  # whether `Lanes` has it among the busy ones
        self.kept_ms = 0.0  # and until when it keeps it although nothing of it waits
        self.concurrency = 1
        self.allowance: Allowance | None = None  # of what the webhook's limits allow, this process's part
        self.limit = Limit(start=8.0, floor=1.0, cut=1 / 2)  # an endpoint never heard of gets a few requests first
        self._pace_ms = 0.0  # the usual time to an answer; 0 while nothing is known
        self._usual_ms = 0.0  # the same, and remembered
        self._answered_ms = 0  # when the last answer came
        self.streak = Streak()  # of requests that were not accepted
        self._accepted_ms = 0  # when it recovered
        self._asked_ms = 0  # not before, as a Retry-After asked
        self._not_before_ms = 0.0  # as that asked, and as the spacing has it
        self._spacing: Spacing | None = None

    @property
    def full(self) -> Origin | Share | None:
        """Who has no room for a request of this lane."""
        if not self.share.has_room:
            return self.share
        return None if self.origin.has_room else self.origin

    @property
    def is_blocked(self) -> bool:
        """Whether it stands in somebody's queue for room."""
        return self.stand is BLOCKED

    @property
    def is_busy(self) -> bool:
        """Whether anything waits in it or is under way."""
        return bool(self.queue or self.flying)

    @property
    def kept_until_ms(self) -> float:
        """Until when it must not be forgotten, although nothing of it waits: it keeps requests back, or did lately."""
        limits_ms = 0.0 if self.allowance is None else self.allowance.kept_until_ms
        spaced_ms = 0 if self._spacing is None else self._answered_ms + _FORGET_PACE_AFTER_MS
        failed_ms, unreachable_ms = self.streak.remembered_until_ms, self.breaker.remembered_until_ms
        return max(limits_ms, self._not_before_ms, spaced_ms, failed_ms, unreachable_ms)

    @property
    def fails(self) -> bool:
        """Whether its endpoint accepts nothing, or cannot be reached."""
        return self.streak.fails or self.breaker.failing

    def heard(self, now_ms: int, *, success: bool) -> None:
        """A request came to its end."""
        if not success:
            self.streak.failed(now_ms)
        elif self.streak.accepted(now_ms):
            self._accepted_ms = now_ms

    def accepted_for_ms(self, now_ms: int) -> float | None:
        """How long ago it recovered."""
        return now_ms - self._accepted_ms if self._accepted_ms else None

    @property
    def has_room(self) -> bool:
        """Whether one more request may be under way."""
        return len(self.flying) < self.concurrency and len(self.flying) < self.limit.now

    def goes(self, now_ms: int) -> bool:
        """Whether one more request may start, by all that the lane, its tenant's share and its origin know.

        It is asked for each request, and calls nobody: what is missing say `has_room`, `sleep_ms` and `full`.
        """
        flying, origin = len(self.flying), self.origin
        return (
            flying < self.concurrency
            and flying < self.limit.now
            and self.allowance is None
            and self._not_before_ms <= now_ms
            and self.breaker.level < 0
            and self.share.flying < self.share.most
            and origin.flying < origin.limit.now
        )

    def sleep_ms(self, now_ms: int) -> float:
        """How long its limits, a Retry-After or its breaker keep it from starting a request; 0 when it may."""
        return 0.0 if self._is_free(now_ms) else self._kept_back_ms(now_ms, new=self._starts_new)

    def lacks(self, now_ms: int) -> bool:
        """Whether what it would start next waits for what has to be asked for."""
        if self.allowance is not None and self.allowance.lacks(now_ms):
            return True
        return self.breaker.lacks(now_ms, new=self._starts_new)

    @property
    def probes_early(self) -> bool:
        """Whether what it would start next need not wait until its breaker is open no longer."""
        return not self.breaker.closed and self._starts_new

    def pace_per_s(self, now_ms: int) -> float:
        """What its endpoint takes from here; 0 where nothing is under way, or nothing known."""
        return self.takes_per_s(now_ms) if self.flying or self.queue else 0.0

    def takes_per_s(self, now_ms: int) -> float:
        """What it would take from here alone, by the last that was known of the time it takes; 0 while nothing is."""
        slow_ms = self.slow_ms(now_ms, now_ms)
        # Of what is not answered yet half the time may be over: nothing better is known.
        usual_ms = max(self._usual_ms, _UNANSWERED * slow_ms if slow_ms > self._pace_ms else slow_ms)
        if usual_ms <= 0:
            return 0.0
        most = self.concurrency if self.allowance is None else min(self.concurrency, self.allowance.places(now_ms))
        per_s = max(1.0, min(most, self.limit.most)) * 1_000 / usual_ms
        return per_s if self._spacing is None else min(per_s, self._spacing.per_s)

    def slow_ms(self, now_ms: int, looked_ms: int) -> float:
        """How slow its endpoint is taken to be: the usual pace, or the age of what it has left unanswered so far.

        The age is that at `looked_ms`, before the last look for answers: what came since, nobody has seen yet.
        """
        if now_ms - self._answered_ms > _FORGET_PACE_AFTER_MS and not self.flying:
            self._pace_ms = 0.0
        if self.flying:
            oldest_ms = next(iter(self.flying.values()))
            if self._answered_ms <= oldest_ms:
                return max(self._pace_ms, looked_ms - oldest_ms)
        return self._pace_ms

    def wait_ms(self, now_ms: int, slow_ms: float, *, new: bool = False) -> float:
        """The estimated wait of one more delivery, a `new` one or another, at an endpoint that is so slow."""
        ahead, most = len(self.queue), self.limit.now
        if most > self.concurrency:  # noqa: PLR1730 # a call takes longer
            most = self.concurrency
        behind_ms = (ahead + 1) * slow_ms / most if ahead or len(self.flying) >= most else 0.0
        if self.allowance is None and self._not_before_ms <= now_ms and self.breaker.level < 0:
            return behind_ms
        # What is new may be the early probe of an endpoint that cannot be reached; one at a time waits for that here.
        wait = self._kept_back_ms(now_ms, new=new and not ahead)
        if self.allowance is not None and self.allowance.rate_per_s is not None:
            wait += ahead * 1_000 / self.allowance.rate_per_s
        if self._spacing is not None:
            wait += ahead * self._spacing.gap_ms
        return wait + behind_ms

    def appetite(self, now_ms: int) -> int:
        """How many more deliveries it could start within half a second, behind those that are queued.

        What its limits have to be asked for is asked for one that is queued, so there is room for that one; unless it
        is known that it could not start soon, for then it would only be written away again.
        """
        if self.full is not None or not self.breaker.closed or self._not_before_ms - now_ms > _SOON_MS:
            return 0
        if self.allowance is not None and self.allowance.wait_ms(now_ms) > AHEAD_MS:
            return 0
        most = min(self.concurrency, self.limit.now) - len(self.flying)
        if self._spacing is not None:
            most = min(most, max(1.0, _SOON_MS / self._spacing.gap_ms))
        if self.allowance is not None:
            rate_per_s = self.allowance.rate_per_s
            by_rate = float("inf") if rate_per_s is None else rate_per_s * _SOON_MS / 1_000
            most = min(most, max(1.0, by_rate), max(1.0, self.allowance.places(now_ms) - self.allowance.flying))
        return max(0, int(most) - len(self.queue))

    def started(self, job: Job, now_ms: int) -> None:
        """A request of this lane is under way."""
        self.flying[job] = now_ms
        job.probe = self.breaker.level >= 0 and self.breaker.started(now_ms)
        if self._spacing is not None:
            self._not_before_ms = max(self._not_before_ms, now_ms) + self._spacing.gap_ms
        if self.allowance is not None:
            self.allowance.started(now_ms)

    def answered(self, job: Job, now_ms: int) -> None:
        """An HTTP answer came that does not ask us to slow down."""
        began_ms, breaker = self._learn(job, now_ms), self.breaker
        if breaker.failures or breaker.level >= 0:
            breaker.answered(now_ms)
        else:
            breaker.answered_ms = now_ms
        if self._spacing is not None:
            self._no_gap_if_not_needed(self._spacing, began_ms)
        # One that began before a Retry-After tells nothing of what follows it.
        elif self.limit.now < self.concurrency and began_ms >= self._asked_ms:
            self.limit.accepted(self.concurrency)

    def refused(self, job: Job, now_ms: int, retry_after_ms: int | None, *, too_many: bool) -> None:
        """An HTTP answer asks us to slow down: fewer requests at once, and a pause when it says how long.

        Where it does not, and they were `too_many` (429), they are spaced: a limit is one of requests a second.
        """
        used = len(self.flying)
        began_ms = self._learn(job, now_ms)
        self.breaker.answered(now_ms)
        self.limit.objected(now_ms)
        if retry_after_ms is not None:
            self._asked_ms = max(self._asked_ms, now_ms + min(retry_after_ms, _LONGEST_ASKED_MS))
            self.limit.paused()
            self._spacing = None
        elif self._spacing is not None:
            if too_many:
                self._spacing.refused(began_ms, now_ms)
        elif too_many:
            self._spacing = Spacing(self._pace_ms / used, now_ms)
        gap_ms = 0.0 if self._spacing is None else self._spacing.gap_ms
        self._not_before_ms = max(self._asked_ms, now_ms + gap_ms)

    def failed(self, job: Job, now_ms: int, *, unreachable: bool) -> None:
        """No HTTP answer came. When the endpoint was `unreachable` the breaker takes that for a failure."""
        self._learn(job, now_ms)
        if unreachable:
            self.limit.objected(now_ms)
            self.breaker.failed(now_ms, probe=job.probe, took_ms=now_ms - job.started_ms)
        else:
            self.breaker.abandoned(probe=job.probe)

    def abandoned(self, job: Job) -> None:
        """A request was given up without an answer."""
        del self.flying[job]
        if self.allowance is not None:
            self.allowance.ended()
        self.breaker.abandoned(probe=job.probe)

    @property
    def _starts_new(self) -> bool:
        return bool(self.queue) and self.queue[0].delivery.is_new

    def _is_free(self, now_ms: int) -> bool:
        """Whether nothing keeps it back: it has no limits, and its endpoint answers and asks for no pause."""
        return self.allowance is None and self._not_before_ms <= now_ms and self.breaker.level < 0

    def _kept_back_ms(self, now_ms: int, *, new: bool) -> float:
        limits_ms = 0.0 if self.allowance is None else self.allowance.wait_ms(now_ms)
        pause_ms = self._not_before_ms - now_ms
        if self.breaker.closed:
            return max(0.0, limits_ms, pause_ms)
        return max(limits_ms, pause_ms, self.breaker.wait_ms(now_ms, new=new))

    def _no_gap_if_not_needed(self, spacing: Spacing, began_ms: int) -> None:
        """An answer came that refuses nothing."""
        is_back = spacing.is_in_vain
        spacing.accepted(began_ms)
        if is_back or spacing.gap_ms * self.limit.now <= self._pace_ms:  # no more are sent than that without it
            self._spacing = None
            self._not_before_ms = self._asked_ms

    def _learn(self, job: Job, now_ms: int) -> int:
        """What an answer tells of the endpoint's pace. Returns when its request began."""
        began_ms = self.flying.pop(job)
        took_ms = now_ms - began_ms
        if self.allowance is not None:
            self.allowance.ended()
        self._answered_ms = now_ms
        if self._pace_ms == 0.0:
            self._pace_ms = float(took_ms)
        else:
            self._pace_ms += _SHARE_OF_NEWEST * (took_ms - self._pace_ms)
        self._usual_ms = self._pace_ms
        return began_ms
