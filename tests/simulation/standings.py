"""The keeper of the webhooks' standings, as Redis is one, and each process's way to it.

The law: a state is what exchange.py makes of it; a report that arrived counts, whether its answer came back or not.
"""

import copy
import random
from collections.abc import Mapping, Sequence

from consumer.delivery.exchange import State, exchange
from consumer.delivery.standing import Report, Standing
from tests.simulation.cache import Redis
from tests.simulation.faults import Faults
from tests.simulation.ports import Life

_ANSWER_LOST = 0.01
_SLOW_MS = 400


class Keeper:
    """The states of all webhooks, by id. They go with Redis: flushed with it, and of an earlier time in its replica."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._states: dict[str, State] = {}
        self._replica: dict[str, State] = {}
        self._flushed = 0
        self._failed_over = 0

    def tell(self, process: str, reports: Sequence[Report], now_ms: int) -> Mapping[str, Standing | None]:
        """What each report is answered; None when Redis is away."""
        if not self._redis.up:
            return {report.subscription_id: None for report in reports}
        self._befalls()
        answers: dict[str, Standing | None] = {}
        for report in reports:
            state = self._states.pop(report.subscription_id, None) or State()
            state, answers[report.subscription_id] = exchange(state, process, report, now_ms)
            self._states[report.subscription_id] = state
        return answers

    def _befalls(self) -> None:
        if self._redis.flushes != self._flushed:
            self._flushed = self._redis.flushes
            self._states.clear()
        if self._redis.failovers != self._failed_over:
            self._failed_over = self._redis.failovers
            self._states, self._replica = self._replica, {}
        elif len(self._replica) < len(self._states):
            self._replica = copy.deepcopy(self._states)


class Exchanges:
    """One process's way there: asked now, answered a little later, or after long where the network is slow."""

    fd = -1

    def __init__(self, life: Life, keeper: Keeper, faults: Faults, dice: random.Random) -> None:
        self._life = life
        self._keeper = keeper
        self._faults = faults
        self._dice = dice
        self._answers: list[Mapping[str, Standing | None]] = []

    def ask(self, reports: Sequence[Report]) -> None:
        """Tell these; the answers come from `take`."""
        self._life.call()
        wait_ms = self._dice.randrange(1, 6)
        if self._faults.strikes(self._dice, _ANSWER_LOST):
            self._faults.met("standing slow")
            wait_ms = self._dice.randrange(1, _SLOW_MS)
        self._life.timeline.after(wait_ms, lambda: self._arrive(reports))

    def take(self) -> list[Mapping[str, Standing | None]]:
        """The answers that have come."""
        answers, self._answers = self._answers, []
        return answers

    def close(self) -> None:
        """Nothing is to be ended."""

    def _arrive(self, reports: Sequence[Report]) -> None:
        """It is told even if who told it has died."""
        answers = self._keeper.tell(self._life.name, reports, self._life.timeline.now_ms)
        if self._faults.strikes(self._dice, _ANSWER_LOST):
            self._faults.met("standing's answer lost")
            answers = dict.fromkeys(answers, None)
        self._life.later(self._dice.randrange(1, 4), lambda: self._answers.append(answers))
