"""Bugs against the laws of capacity, as `tests/simulation/planted.py` has it: each with the seed that finds it."""

from typing import Final
from unittest.mock import patch

from msgspec.structs import replace

from consumer.delivery.account import Account
from consumer.delivery.allowance import Allowance
from consumer.delivery.breaker import Early
from consumer.delivery.budget import MIB
from consumer.delivery.delivery import Delivery
from consumer.delivery.endings import Endings
from consumer.delivery.forward import Forward
from consumer.delivery.hold import Hold
from consumer.delivery.lane import Job, Lane
from consumer.delivery.schedule import Schedule
from consumer.delivery.standings import Standings
from consumer.delivery.traffic import Traffic
from tests.simulation.capacity.case import Case, Endpoint, Flow, Webhook
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


def _places_kept() -> list[Patch]:
    return [
        patch.object(Standings, "landed", lambda _standings, _lane, _now_ms: None),
        patch.object(Account, "lease", property(lambda _account: 0, lambda _account, _places: None), create=True),
    ]


def _nothing_early() -> list[Patch]:
    return [patch.object(Early, "has_room", lambda _early, _now_ms: False)]


def _half_the_rate() -> list[Patch]:
    honest = Account.limited

    def limited(account: Account, revision: int, rate_per_s: float | None, max_concurrency: int | None) -> bool:
        return honest(account, revision, None if rate_per_s is None else rate_per_s / 2, max_concurrency)

    return [patch.object(Account, "limited", limited)]


def _a_short_wait_for_all() -> list[Patch]:
    def waits_until_ms(_schedule: Schedule, delivery: Delivery, _now_ms: int) -> int:
        return delivery.first_due_ms + 5_000

    return [patch.object(Schedule, "waits_until_ms", waits_until_ms)]


def _no_climbing() -> list[Patch]:
    honest = Endings.await_endpoint

    def await_endpoint(endings: Endings, now_ms: int, job: Job, wait_ms: float, *, until_ms: int) -> None:
        job.delivery = replace(job.delivery, climbed=0)
        honest(endings, now_ms, job, wait_ms, until_ms=until_ms)

    return [patch.object(Endings, "await_endpoint", await_endpoint)]


def _nothing_spaced() -> list[Patch]:
    honest = Lane.refused

    def refused(lane: Lane, job: Job, now_ms: int, retry_after_ms: int | None, *, too_many: bool) -> None:
        del too_many
        honest(lane, job, now_ms, retry_after_ms, too_many=False)

    return [patch.object(Lane, "refused", refused)]


def _never_full() -> list[Patch]:
    return [patch.object(Hold, "is_full", lambda _hold, _window: False)]


NEVER_FULL: Final = Bug(patches=_never_full, rule="memory")
"""Found by `MUCH_TO_HOLD`: a seed has not so much."""

MUCH_TO_HOLD: Final = Case(
    name="much to hold",
    memory_bytes=4 * MIB,
    webhooks=(Webhook(flows=(Flow(count=700),), rate_per_s=5.0, payload_bytes=50_000),),
)

NOTHING_SPACED: Final = Bug(patches=_nothing_spaced, rule="time")
"""Found by `MORE_THAN_IT_TAKES`: a seed sends such an endpoint no more than it takes."""

MORE_THAN_IT_TAKES: Final = Case(
    name="more than it takes",
    webhooks=(Webhook(flows=(Flow(count=800),), endpoint=Endpoint(rate_per_s=5.0)),),
)

BUGS: Final[dict[str, Bug]] = {
    "rate by nobody": Bug(patches=_rate_by_nobody, seeds=(9, 49, 59), rule="rate"),
    "places by nobody": Bug(patches=_places_by_nobody, seeds=(79, 189, 289), rule="concurrency"),
    "one waits, all wait": Bug(patches=_one_waits_all_wait, seeds=(19, 39, 69), rule="beside"),
    "places kept": Bug(patches=_places_kept, seeds=(189,), rule="lateness"),
    "half the rate": Bug(patches=_half_the_rate, seeds=(249, 289, 339), rule="time"),
    "a short wait for all": Bug(patches=_a_short_wait_for_all, seeds=(9, 49, 59), rule="expired"),
    "no climbing": Bug(patches=_no_climbing, seeds=(129, 229, 249), rule="records"),
    "nothing early": Bug(patches=_nothing_early, seeds=(129, 219, 229), rule="after an outage"),
    "nothing forward": Bug(patches=_nothing_forward, seeds=(59, 69, 79), rule="lateness"),
}
