"""The keeper of the webhooks' standings, as Redis is one, and each process's way to it.

The laws: a state is what exchange.py makes of it, and goes with Redis; a report that arrived counts, whether its answer
came back or not. As in roles/standings.py every report is answered, and a process hears how many there are.

A process that only listens (nothing wanted, nothing under way) would ask once a second through every hour of an outage.
Its answer is kept back until there is news: of the webhook, or of the process, or ten minutes have passed; two seconds
where something waits that its endpoint could take. It is then made anew, so what it says is of that moment.
"""

import copy
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from consumer.delivery.exchange import exchange
from consumer.delivery.standing import Open, Report, Standing
from consumer.delivery.state import State
from consumer.roles.standings import Heard
from consumer.standings.store import PRESENT_FOR_MS
from tests.simulation.cache import Redis
from tests.simulation.faults import Faults
from tests.simulation.ports import Life
from tests.simulation.timeline import Timeline

_LAG_MS: Final = 5_000  # of the replica, at most
_SLOW: Final = 0.01
_SLOW_MS: Final = 400
_LISTENS_MS: Final = 600_000
_LISTENS_BEHIND_MS: Final = 2_000
_PRESENT_EVERY_MS: Final = PRESENT_FOR_MS // 3


class Keeper:
    """The states of all webhooks, by id. They are flushed with Redis, and of an earlier time in its replica.

    The replica is kept for as long as anything may go wrong, and of it what has changed is copied: a copy costs more
    than the exchange.
    """

    def __init__(self, redis: Redis, timeline: Timeline, faults: Faults) -> None:
        self._redis = redis
        self._timeline = timeline
        self._faults = faults
        self._states: dict[str, State] = {}
        self._replica: dict[str, State] = {}
        self._changed: set[str] = set()  # since the replica was made
        self._copied_ms = 0
        self._befallen = (0, 0)
        self._lives: Counter[str] = Counter()
        self._present: list[Exchanges] = []
        self._listening: dict[str, list[Exchanges]] = {}

    def join(self, exchanges: "Exchanges", name: str) -> str:
        """One more process is there. Returns a name that no other and no later one has."""
        self._lives[name] += 1
        self._present.append(exchanges)
        self._tell_number()
        return f"{name}.{self._lives[name]}"

    def leave(self, exchanges: "Exchanges") -> None:
        """A process is there no longer; it counts for a while."""
        if not exchanges.closed:
            exchanges.closed = True
            self._timeline.after(PRESENT_FOR_MS, lambda: self._gone(exchanges))

    def tell(self, process: str, reports: Sequence[Report]) -> Heard:
        """What each report is answered; None for all when Redis is away."""
        if not self._redis.up:
            return Heard(standings={report.subscription_id: None for report in reports})
        self._befall()
        return Heard(standings={report.subscription_id: self._exchange(process, report) for report in reports})

    def listen(self, webhook: str, exchanges: "Exchanges") -> None:
        """Tell this process when there is news of the webhook."""
        self._listening.setdefault(webhook, []).append(exchanges)

    def _exchange(self, process: str, report: Report) -> Standing:
        webhook = report.subscription_id
        before = self._states.pop(webhook, None) or State()
        was = _news(before)
        state, standing = exchange(before, process, report, self._timeline.now_ms)
        self._states[webhook] = state
        self._changed.add(webhook)
        if _news(state) != was:
            for exchanges in self._listening.pop(webhook, ()):
                exchanges.release()
        return standing

    def _gone(self, exchanges: "Exchanges") -> None:
        if exchanges in self._present:
            self._present.remove(exchanges)
            self._tell_number()

    def _tell_number(self) -> None:
        """Each hears it the next time it says that it is there, which is soon."""
        self._timeline.after(_PRESENT_EVERY_MS, self._say_number)

    def _say_number(self) -> None:
        if not self._redis.up:
            self._tell_number()
            return
        for exchanges in self._present:
            exchanges.hear(Heard(standings={}, processes=len(self._present)))

    def _befall(self) -> None:
        flushes, failovers = self._redis.flushes, self._redis.failovers
        if flushes != self._befallen[0]:
            self._states.clear()
        elif failovers != self._befallen[1]:
            self._states, self._replica = self._replica, {}
        elif self._faults.on and self._timeline.now_ms >= self._copied_ms + _LAG_MS:
            self._replica = {webhook: self._copied(webhook, state) for webhook, state in self._states.items()}
            self._changed.clear()
            self._copied_ms = self._timeline.now_ms
        self._befallen = (flushes, failovers)

    def _copied(self, webhook: str, state: State) -> State:
        before = None if webhook in self._changed else self._replica.get(webhook)
        return copy.deepcopy(state) if before is None else before


class Exchanges:
    """One process's way there: asked now, answered a little later, or after long where Redis is slow."""

    fd = -1

    def __init__(
        self, life: Life, keeper: Keeper, faults: Faults, dice: random.Random, *, wants: Callable[[str], bool]
    ) -> None:
        """`wants`: whether the process would ask for this webhook now, if it had its answer."""
        self._life = life
        self._keeper = keeper
        self._wants = wants
        self._faults = faults
        self._dice = dice
        self._heard: list[tuple[int, Heard]] = []
        self._kept_back: list[tuple[int, Report]] = []
        self.closed = False
        self._process = keeper.join(self, life.name)

    def ask(self, reports: Sequence[Report]) -> None:
        """Report; the answers come from `take`."""
        self._life.call()
        wait_ms = 1
        if self._faults.strikes(self._dice, _SLOW):
            self._faults.met("standings slow")
            wait_ms = self._dice.randrange(1, _SLOW_MS)
        asked_ms = self._life.timeline.now_ms
        self._life.timeline.after(wait_ms, lambda: self._arrive(asked_ms, reports))

    def take(self) -> list[Heard]:
        """The answers that have come."""
        if any(self._wants(report.subscription_id) for _, report in self._kept_back):
            self.release()
        now_ms = self._life.timeline.now_ms
        heard, self._heard = self._heard, []
        return [
            Heard(standings=each.standings, ago_ms=now_ms - asked_ms, processes=each.processes)
            for asked_ms, each in heard
        ]

    def close(self) -> None:
        """Its process is there no longer."""
        self._keeper.leave(self)

    def hear(self, heard: Heard) -> None:
        """Something is told without having been asked for."""
        if self._life.alive:
            self._heard.append((self._life.timeline.now_ms, heard))
            self._life.wake(0)

    def release(self) -> None:
        """What was kept back is answered, as of now."""
        now_ms = self._life.timeline.now_ms
        kept, self._kept_back = self._kept_back, []
        for asked_ms, report in kept:
            if self._life.alive:
                self.hear(self._keeper.tell(self._process, [_older(report, now_ms - asked_ms)]))

    def _release_if_kept(self, report: Report) -> None:
        if any(kept is report for _, kept in self._kept_back):
            self.release()

    def _arrive(self, asked_ms: int, reports: Sequence[Report]) -> None:
        """It counts even if who told it has died."""
        heard = self._keeper.tell(self._process, reports)
        if self._faults.strikes(self._dice, _SLOW):
            self._faults.met("standings' answer lost")
            heard = Heard(standings=dict.fromkeys(heard.standings))
        for report in reports:
            answer = heard.standings[report.subscription_id]
            if answer is not None and self._life.alive and _only_listens(report, answer):
                self._kept_back.append((asked_ms, report))
                self._keeper.listen(report.subscription_id, self)
                listens_ms = _LISTENS_BEHIND_MS if answer.waiting and answer.level < 0 else _LISTENS_MS
                self._life.timeline.after(listens_ms, partial(self._release_if_kept, report))
            else:
                told = Heard(standings={report.subscription_id: answer})
                self._life.later(1, partial(self._answered, asked_ms, told))

    def _answered(self, asked_ms: int, heard: Heard) -> None:
        self._heard.append((asked_ms, heard))


def _only_listens(report: Report, answer: Standing) -> bool:
    """Whether it has nothing to do until there is news, or it wants something."""
    busy = report.want or report.want_forward or report.flying or report.probing
    return not busy and answer.tell is None


def _older(report: Report, by_ms: int) -> Report:
    """The same report, made so much later."""
    return replace(
        report,
        answered_ms=None if report.answered_ms is None else report.answered_ms + by_ms,
        accepted_ms=None if report.accepted_ms is None else report.accepted_ms + by_ms,
        failing_ms=None if report.failing_ms is None else report.failing_ms + by_ms,
        horizon_ms=max(0.0, report.horizon_ms - by_ms),
        until_ms=max(0.0, report.until_ms - by_ms),
        open=None if report.open is None else _older_open(report.open, by_ms),
    )


def _older_open(opened: Open, by_ms: int) -> Open:
    for_ms, early_ms = opened.for_ms - by_ms, opened.early_ms - by_ms
    return replace(opened, for_ms=max(0.0, for_ms), early_ms=max(0.0, early_ms))


def _news(state: State) -> tuple[object, ...]:
    """What others are told of at once."""
    seen_s = int(state.recovered_ms) // 1_000, int(state.accepted_ms) // 1_000
    return state.level, state.probe, state.telling, *seen_s, state.failing_ms > 0
