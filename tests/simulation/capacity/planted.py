"""Bugs against the laws of capacity, as `tests/simulation/planted.py` has it: each with the seed that finds it."""

from typing import Any, Final
from unittest.mock import patch

from consumer.delivery.allowance import Allowance
from consumer.delivery.breaker import Breaker
from consumer.delivery.delivery import Delivery
from consumer.delivery.forward import Forward
from consumer.delivery.line import Line
from consumer.delivery.schedule import Schedule
from consumer.delivery.traffic import Traffic
from tests.simulation.planted import Bug, Patch

_FIVE_MINUTES_MS: Final = 300_000


def _rate_by_nobody() -> list[Patch]:
    return [patch.object(Allowance, "_permit_in_ms", lambda _allowance, _now_ms: 0.0)]


def _places_by_nobody() -> list[Patch]:
    return [patch.object(Allowance, "places", lambda _allowance, _now_ms: float("inf"))]


def _nothing_forward() -> list[Patch]:
    return [patch.object(Forward, "take", lambda _forward, _now_ms, _room: [])]


def _every_permit_twice_as_late() -> list[Patch]:
    honest = Allowance.started

    def started(allowance: Allowance, now_ms: int) -> None:
        honest(allowance, now_ms)
        if allowance._permits:
            allowance._skip(1)

    return [patch.object(Allowance, "started", started)]


def _waits_for_five_minutes() -> list[Patch]:
    def until_ms(schedule: Schedule, delivery: Delivery, now_ms: int) -> int:
        del schedule, now_ms
        return delivery.first_due_ms + _FIVE_MINUTES_MS

    return [patch.object(Schedule, "waits_until_ms", until_ms)]


def _recovery_told_to_nobody() -> list[Patch]:
    honest = Breaker.heard

    def heard(breaker: Breaker, told_ms: int, asked_ms: float, standing: Any) -> None:  # noqa: ANN401 - as it comes
        if standing.level >= 0:
            honest(breaker, told_ms, asked_ms, standing)

    return [patch.object(Breaker, "heard", heard)]


def _newest_forward() -> list[Patch]:
    honest = Line.put

    def put(line: Line, key_ms: int, held: Any) -> None:  # noqa: ANN401 - whatever it holds
        is_age = key_ms == getattr(held.delayed, "first_due_ms", None)
        honest(line, -key_ms if is_age else key_ms, held)

    return [patch.object(Line, "put", put)]


def _one_waits_all_wait() -> list[Patch]:
    honest = Traffic.room

    def room(traffic: Traffic) -> int:
        return 0 if any(lane.queue for lane in traffic._lanes.busy) else honest.fget(traffic)  # type: ignore[attr-defined]

    return [patch.object(Traffic, "room", property(room))]


BUGS: Final[dict[str, Bug]] = {
    "rate by nobody": Bug(patches=_rate_by_nobody, seed=9, rule="rate"),
    "places by nobody": Bug(patches=_places_by_nobody, seed=79, rule="concurrency"),
    "nothing forward": Bug(patches=_nothing_forward, seed=129, rule="lateness"),
}
