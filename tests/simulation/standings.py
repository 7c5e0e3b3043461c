"""The keeper of the webhooks' standings, as Redis is one, and each process's way to it.

The laws: a state is what exchange.py makes of it, and goes with Redis; a report that arrived counts, whether its answer
came back or not. As in roles/standings.py every report is answered, and a process hears how many there are.
"""

import copy
import random
from collections import Counter
from collections.abc import Sequence
from typing import Final

from consumer.delivery.exchange import State, exchange
from consumer.delivery.standing import Report
from consumer.roles.standings import Heard
from consumer.standings.store import PRESENT_FOR_MS
from tests.simulation.cache import Redis
from tests.simulation.faults import Faults
from tests.simulation.ports import Life
from tests.simulation.timeline import Timeline

_LAG_MS: Final = 5_000  # of the replica, at most
_SLOW: Final = 0.01
_SLOW_MS: Final = 400
_PRESENT_EVERY_MS: Final = PRESENT_FOR_MS // 3


class Keeper:
    """The states of all webhooks, by id. They are flushed with Redis, and of an earlier time in its replica."""

    def __init__(self, redis: Redis, timeline: Timeline) -> None:
        self._redis = redis
        self._timeline = timeline
        self._states: dict[str, State] = {}
        self._replica: dict[str, State] = {}
        self._copied_ms = 0
        self._befallen = (0, 0)
        self._lives: Counter[str] = Counter()
        self._present: list[Exchanges] = []

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
        answers = {}
        for report in reports:
            before = self._states.pop(report.subscription_id, None) or State()
            state, answers[report.subscription_id] = exchange(before, process, report, self._timeline.now_ms)
            self._states[report.subscription_id] = state
        return Heard(standings=answers)

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
        elif self._timeline.now_ms >= self._copied_ms + _LAG_MS:
            self._replica = copy.deepcopy(self._states)
            self._copied_ms = self._timeline.now_ms
        self._befallen = (flushes, failovers)


class Exchanges:
    """One process's way there: asked now, answered a little later, or after long where Redis is slow."""

    fd = -1

    def __init__(self, life: Life, keeper: Keeper, faults: Faults, dice: random.Random) -> None:
        self._life = life
        self._keeper = keeper
        self._faults = faults
        self._dice = dice
        self._heard: list[tuple[int, Heard]] = []
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

    def _arrive(self, asked_ms: int, reports: Sequence[Report]) -> None:
        """It counts even if who told it has died."""
        heard = self._keeper.tell(self._process, reports)
        if self._faults.strikes(self._dice, _SLOW):
            self._faults.met("standings' answer lost")
            heard = Heard(standings=dict.fromkeys(heard.standings))
        self._life.later(1, lambda: self._heard.append((asked_ms, heard)))
