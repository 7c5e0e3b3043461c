"""The customers' endpoints: each has a temper, and takes what it is sent or not.

The law: what an endpoint does depends on its temper, the time and the dice alone; it is asked once for each request.
A hostile one answers from the generator of tests/hostile/answers.py, by dice of its own: with or without it all the
others fall as they did.
"""

import random
from dataclasses import dataclass
from typing import Final, Protocol

from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.delivery.outcome import is_success
from tests.hostile.answers import drawn, read
from tests.simulation.plan import MINUTE_MS, Plan, stream
from tests.simulation.timeline import Timeline

HEALTHY: Final = "healthy"
HOSTILE: Final = "hostile"
_BRIEF: Final = ("flaky", "slow", "comes-and-goes")
TEMPERS: Final = ("flaky", "dead", "gone", "hanging", "slow", "limited", "comes-and-goes", "refuses")
_LIMITED_PER_S: Final = 20
_WAITS_S: Final = (1, 2, 10, 45, 700, 100_000)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`accepts_after_ms`: when the request is taken, if ever; the answer comes after `answers_after_ms`."""

    accepts_after_ms: int | None
    answer: Answer
    answers_after_ms: int


class Hosts(Protocol):
    """The endpoints, by host."""

    def temper(self, host: str) -> str:
        """The temper of a host."""

    def behave(self, host: str, timeout_ms: int) -> Behaviour:
        """What comes of a request that reaches this host now."""


class Endpoints:
    """All of them, by host."""

    def __init__(self, plan: Plan, timeline: Timeline) -> None:
        self._timeline = timeline
        self._dice = stream(plan.seed, "endpoints")
        self._tempers: dict[str, str] = {}
        self._second: dict[str, tuple[int, int]] = {}
        tempers = ("comes-and-goes", "comes-and-goes", "refuses") if plan.narrow else _BRIEF if plan.brief else TEMPERS
        for number in range(plan.webhooks * 2):
            troubled = self._dice.random() < plan.troubled
            self._tempers[f"{number}.example"] = self._dice.choice(tempers) if troubled or plan.narrow else HEALTHY
        self._hostile = stream(plan.seed, "hostile endpoints")
        for host, temper in self._tempers.items():
            if temper == "dead" and self._hostile.random() < 0.5:
                self._tempers[host] = HOSTILE

    def temper(self, host: str) -> str:
        """The temper of a host."""
        return self._tempers[host]

    def behave(self, host: str, timeout_ms: int) -> Behaviour:  # noqa: PLR0911 - a clause for each temper
        """What comes of a request that reaches this host."""
        dice = self._dice
        match self._tempers[host]:
            case "flaky" if dice.random() < 0.5:
                return answers(dice.choice((500, 404, 302, 400)), dice.randrange(2, 60))
            case "dead":
                return answers(500, dice.randrange(2, 20))
            case "hostile":
                return _spoken(read(drawn(self._hostile)), dice.randrange(2, 20))
            case "refuses":
                return fails(FailureKind.CONNECT, 1)
            case "gone":
                return answers(410, dice.randrange(2, 20))
            case "hanging":
                return _hangs(dice, timeout_ms)
            case "slow":
                took_ms = dice.randrange(500, 9_000)
                return takes(took_ms // 2, took_ms, timeout_ms) if took_ms < timeout_ms else _hangs(dice, timeout_ms)
            case "limited" if self._is_over(host):
                wait_s = dice.choice(_WAITS_S[:4] if dice.random() < 0.95 else _WAITS_S)
                return answers(429, dice.randrange(2, 20), ("retry-after", str(wait_s)))
            case "comes-and-goes" if self._timeline.now_ms // (MINUTE_MS // 4) % 2:
                return fails(dice.choice((FailureKind.CONNECT, FailureKind.TLS, FailureKind.DNS)), 3)
            case _:
                took_ms = dice.randrange(2, 60)
                return Behaviour(took_ms // 2, _response(200), took_ms)

    def _is_over(self, host: str) -> bool:
        second = self._timeline.now_ms // 1_000
        begun, count = self._second.get(host, (second, 0))
        count = count + 1 if begun == second else 1
        self._second[host] = (second, count)
        return count > _LIMITED_PER_S


def _hangs(dice: random.Random, timeout_ms: int) -> Behaviour:
    """No answer in time; some had taken the request all the same."""
    accepts_ms = dice.randrange(timeout_ms) if dice.random() < 0.1 else None
    return Behaviour(accepts_ms, _failure(FailureKind.TIMEOUT), timeout_ms)


def takes(accepts_after_ms: int, took_ms: int, timeout_ms: int) -> Behaviour:
    """It takes the request, and says so if it is in time."""
    if took_ms < timeout_ms:
        return Behaviour(accepts_after_ms, _response(200), took_ms)
    return Behaviour(accepts_after_ms, _failure(FailureKind.TIMEOUT), timeout_ms)


def answers(status: int, took_ms: int, *headers: tuple[str, str]) -> Behaviour:
    """It answers, and takes nothing."""
    return Behaviour(None, _response(status, headers), took_ms)


def _spoken(answer: Answer, took_ms: int) -> Behaviour:
    return Behaviour(took_ms // 2 if is_success(answer) else None, answer, took_ms)


def fails(kind: FailureKind, took_ms: int) -> Behaviour:
    """No answer comes."""
    return Behaviour(None, _failure(kind), took_ms)


def _response(status: int, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(status=status, headers=headers, body=b"", body_truncated=False, elapsed_ms=1.0)


def _failure(kind: FailureKind) -> Failure:
    return Failure(kind=kind, detail="", elapsed_ms=1.0)
