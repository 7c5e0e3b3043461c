"""One record of the attempts topic, whatever it says, costs the role log nothing but itself."""

from collections.abc import Callable
from math import inf, nan
from typing import cast

import pytest
import structlog
from msgspec.structs import replace

from consumer.delivery.logged import logged
from consumer.delivery.outcome import DELIVERED, Retry
from consumer.events.event import Record
from consumer.kafka.attempt_decoding import Head
from consumer.kafka.records import encode_attempt
from consumer.log.figures import Figures
from consumer.log.health import Health
from consumer.log.keeper import Keeper
from consumer.roles.folding import Folding
from consumer.telemetry.counters import counters
from tests.deliveries import NOW_MS, job, response

GOOD = replace(logged(job(), response(), DELIVERED, None), at_ms=NOW_MS)


class Kept:
    """A keeper of one partition that was never saved."""

    def __init__(self) -> None:
        self.figures = Figures(stand="0", offset=0)

    def load(self, partition: int, begin: Callable[[int | None], int]) -> Figures:
        return self.figures


class Webhooks:
    """Knows of every webhook but one, whose question is a bug."""

    def active_since_ms(self, name: str) -> int:
        if name == "odd":
            raise OverflowError(name)
        return 0

    def exists(self, name: str) -> bool:
        return True


def folding() -> tuple[Folding, Figures]:
    kept = Kept()

    def failed(partition: int, name: str, health: Health) -> None:
        """Nobody is suspended here."""

    def taken(record: Record, head: Head) -> None:
        """Nothing is indexed here."""

    folding = Folding(cast("Keeper", kept), Webhooks(), begin=lambda _, offset: offset or 0, failed=failed, taken=taken)
    folding.assigned([0])
    folding.load()
    return folding, kept.figures


def record(offset: int, value: bytes, key: bytes = b"sub_1") -> Record:
    return Record(topic="attempts", partition=0, offset=offset, key=key, value=value, headers=(), timestamp_ms=NOW_MS)


@pytest.mark.parametrize(
    "hostile",
    [
        replace(GOOD, elapsed_ms=inf),
        replace(GOOD, elapsed_ms=nan),
        replace(GOOD, elapsed_ms=-1.0),
        replace(GOOD, at_ms=2**62),
        replace(GOOD, at_ms=-1),
    ],
    ids=["inf", "nan", "negative", "far ahead", "before 1970"],
)
def test_an_attempt_of_no_possible_time_is_passed_over(hostile: object) -> None:
    fold, figures = folding()
    fold.fold(record(0, encode_attempt(hostile)))  # type: ignore[arg-type] # it is one
    assert (figures.health.rows, figures.offset) == ({}, 1)
    fold.fold(record(1, encode_attempt(GOOD)))
    assert figures.health.rows["sub_1"].last_success_at_ms == NOW_MS + 5


def test_one_that_meets_a_bug_is_told_and_passed_over() -> None:
    fold, figures = folding()
    before = counters.snapshot().get("bugs{log}", 0)
    failed = replace(GOOD, outcome="retry", status=500)
    with structlog.testing.capture_logs() as lines:
        fold.fold(record(0, encode_attempt(failed), key=b"odd"))
    assert (figures.health.rows, figures.offset) == ({}, 1)
    assert counters.snapshot()["bugs{log}"] == before + 1
    [line] = lines
    assert (line["event"], line["log_level"], line["offset"]) == ("bug contained", "error", 0)
    assert line["where"].startswith("OverflowError in log at ")
    fold.fold(record(1, encode_attempt(GOOD)))
    assert "sub_1" in figures.health.rows


def test_webhooks_are_told_by_how_their_last_attempt_ended_for_a_day() -> None:
    fold, _ = folding()
    failed = logged(job(), response(500), Retry(tier=1), "1s")
    fold.fold(record(0, encode_attempt(replace(failed, at_ms=NOW_MS)), b"a"))
    fold.fold(record(1, encode_attempt(replace(GOOD, at_ms=NOW_MS)), b"b"))
    fold.fold(record(2, encode_attempt(replace(failed, at_ms=NOW_MS)), b"c"))
    fold.fold(record(3, encode_attempt(replace(GOOD, at_ms=NOW_MS)), b"c"))
    assert fold.standing(NOW_MS) == {"failing": 1, "accepting": 2}
    assert fold.standing(NOW_MS + 86_400_001) == {"failing": 0, "accepting": 0}
