"""Several processes' lanes of one webhook, with the one exchange between them, in simulated time."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from consumer.delivery.exchange import exchange
from consumer.delivery.lane import Job, Patience
from consumer.delivery.outcome import read
from consumer.delivery.standing import Report, Standing
from consumer.delivery.state import State
from consumer.delivery.traffic import Traffic
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, failure, job, limits, response

_TURN_MS = 5
_PATIENT = Patience(wait_ms=1e12, slow_ms=None)


@dataclass(slots=True)
class Member:
    """One process: its lanes, and what it has under way."""

    name: str
    traffic: Traffic
    offers: int  # what it keeps queued
    flying: int = 0


@dataclass(slots=True)
class Fleet:
    """`away`: nobody keeps the standings. `answers_after_ms` is the endpoint's; None: it does not answer."""

    webhook: Subscription
    seed: int = 0
    answers_after_ms: Callable[[], int | None] = lambda: 20
    asks_for_ms: tuple[int, int] = (1, 30)
    lost: float = 0.0
    away: bool = False
    now_ms: int = NOW_MS
    state: State = field(default_factory=State)
    members: list[Member] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    started_by: list[str] = field(default_factory=list)
    most_flying: int = 0
    _events: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _dice: random.Random = field(default_factory=random.Random)
    _born: int = 0

    def __post_init__(self) -> None:
        self._dice.seed(self.seed)

    def add(self, offers: int = 50) -> Member:
        """One more process, which keeps so many deliveries queued."""
        of_limits = limits(in_flight=4_000, queued=100_000, lane_concurrency=64, patience=_PATIENT)
        member = Member(f"process-{self._born}", Traffic(of_limits, shared=True), offers)
        member.traffic.standings.shared_by(len(self.members) + 1)
        self._born += 1
        self.members.append(member)
        return member

    def kill(self, member: Member) -> None:
        """It is gone, with what it had under way."""
        self.members.remove(member)

    def run(self, for_ms: int) -> None:
        """Let so much time pass."""
        until_ms = self.now_ms + for_ms
        while self.now_ms < until_ms:
            self.now_ms += _TURN_MS
            while self._events and self._events[0][0] <= self.now_ms:
                heapq.heappop(self._events)[2]()
            for member in self.members:
                self._turn(member)
            self.most_flying = max(self.most_flying, sum(each.flying for each in self.members))

    def _turn(self, member: Member) -> None:
        traffic, now_ms = member.traffic, self.now_ms
        while traffic.queued < member.offers:
            if traffic.offer(job(self.webhook), now_ms) is not None:
                break
        while started := list(traffic.start(now_ms)):
            for each in started:
                self._start(member, each)
        for report in traffic.standings.reports(now_ms):
            self._ask(member, report)
        traffic.overdue(now_ms)

    def _start(self, member: Member, started: Job) -> None:
        member.flying += 1
        self.starts.append(self.now_ms)
        self.started_by.append(member.name)
        after_ms = self.answers_after_ms()
        self._later(
            1_000 if after_ms is None else after_ms, lambda: self._answer(member, started, after_ms is not None)
        )

    def _answer(self, member: Member, started: Job, answered: bool) -> None:
        member.flying -= 1
        answer = response() if answered else failure()
        member.traffic.answered(started, read(answer, self.now_ms), self.now_ms)

    def _ask(self, member: Member, report: Report) -> None:
        low, high = self.asks_for_ms
        went_ms, came_ms = self._dice.randint(low, high), self._dice.randint(low, high)
        if self.away:
            self._later(500, lambda: self._hear(member, report, None))
            return

        def arrive() -> None:
            self.state, standing = exchange(self.state, member.name, report, self.now_ms + 0.25)
            if self._dice.random() < self.lost:
                self._later(500, lambda: self._hear(member, report, None))
            else:
                self._later(came_ms, lambda: self._hear(member, report, standing))

        self._later(went_ms, arrive)

    def _hear(self, member: Member, report: Report, standing: Standing | None) -> None:
        if member in self.members:
            member.traffic.heard(self.now_ms, report.subscription_id, standing)

    def _later(self, wait_ms: int, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now_ms + wait_ms, next(self._order), act))


def most_within(starts: list[int], window_ms: int) -> int:
    """The most that were started within any such time."""
    most = first = 0
    for last, at_ms in enumerate(starts):
        while at_ms - starts[first] > window_ms:
            first += 1
        most = max(most, last - first + 1)
    return most
