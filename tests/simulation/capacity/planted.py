"""Bugs against the laws of capacity, as `tests/simulation/planted.py` has it: each with the seed that finds it."""

from typing import Final
from unittest.mock import patch

from consumer.delivery.allowance import Allowance
from consumer.delivery.forward import Forward
from consumer.delivery.traffic import Traffic
from tests.simulation.planted import Bug, Patch


def _rate_by_nobody() -> list[Patch]:
    return [patch.object(Allowance, "_permit_in_ms", lambda _allowance, _now_ms: 0.0)]


def _places_by_nobody() -> list[Patch]:
    return [patch.object(Allowance, "places", lambda _allowance, _now_ms: float("inf"))]


def _nothing_forward() -> list[Patch]:
    return [patch.object(Forward, "take", lambda _forward, _now_ms, _room: [])]


def _one_waits_all_wait() -> list[Patch]:
    honest = Traffic.room

    def room(traffic: Traffic) -> int:
        return 0 if any(lane.queue for lane in traffic._lanes.busy) else honest.fget(traffic)  # type: ignore[attr-defined]

    return [patch.object(Traffic, "room", property(room))]


BUGS: Final[dict[str, Bug]] = {
    "rate by nobody": Bug(patches=_rate_by_nobody, seed=9, rule="rate"),
    "places by nobody": Bug(patches=_places_by_nobody, seed=79, rule="concurrency"),
    "one waits, all wait": Bug(patches=_one_waits_all_wait, seed=19, rule="beside"),
    "nothing forward": Bug(patches=_nothing_forward, seed=129, rule="lateness"),
}
