"""Bugs against the laws of capacity, as `tests/simulation/planted.py` has it: each with the seed that finds it."""

from typing import Final
from unittest.mock import patch

from consumer.delivery.allowance import Allowance
from consumer.delivery.breaker import Breaker
from consumer.delivery.forward import Forward
from consumer.delivery.hold import Hold
from consumer.delivery.schedule import Schedule
from tests.simulation.planted import Bug, Patch


def _rate_by_nobody() -> list[Patch]:
    return [patch.object(Allowance, "_permit_in_ms", lambda _allowance, _now_ms: 0.0)]


def _places_by_nobody() -> list[Patch]:
    return [patch.object(Allowance, "places", lambda _allowance, _now_ms: float("inf"))]


def _nothing_forward() -> list[Patch]:
    return [patch.object(Forward, "take", lambda _forward, _now_ms, _room: [])]


def _newest_forward() -> list[Patch]:
    honest = Hold.put

    def put(hold: Hold, *given: object, **name: object) -> None:
        honest(hold, *given, **name)  # type: ignore[arg-type]

    return [patch.object(Hold, "put", put)]


def _waits_as_if_it_failed() -> list[Patch]:
    """The time allowed for retries runs from when it was first due, whatever it waits for."""

    def until_ms(schedule: Schedule, delivery: object, now_ms: int) -> int:
        del now_ms
        return delivery.first_due_ms + schedule.retry_for_ms  # type: ignore[attr-defined,no-any-return]

    return [patch.object(Schedule, "tried_until_ms", until_ms), patch.object(Schedule, "waits_until_ms", until_ms)]


def _breaker_never_closes_for_others() -> list[Patch]:
    return [patch.object(Breaker, "answered_elsewhere", lambda *_: None)]


BUGS: Final[dict[str, Bug]] = {}
