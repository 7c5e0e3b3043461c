"""Of which webhooks figures are told one by one, and which."""

from consumer.log.health import Health, Sent
from consumer.log.stats import HOUR_MS, Stats
from consumer.log.told_webhooks import figures, worst
from tests.deliveries import NOW_MS


def sent(at_ms: int, outcome: str) -> Sent:
    return Sent(
        at_ms=at_ms,
        logged_ms=at_ms,
        url="https://example.com/",
        status=200 if outcome == "delivered" else 500,
        failure=None,
        elapsed_ms=5.0,
        outcome=outcome,
    )


def test_the_worst_are_those_with_the_most_failures_in_a_row() -> None:
    rows = [(f"wh_{number}", Health(consecutive_failures=number % 4)) for number in range(9)]
    assert worst(rows, 3) == ["wh_7", "wh_3", "wh_6"]
    assert worst(rows, 99) == ["wh_7", "wh_3", "wh_6", "wh_2", "wh_5", "wh_1"]  # who accepts is not among them
    assert worst(rows, 0) == []


def test_what_is_told_of_one_that_fails() -> None:
    stats = Stats()
    for at_ms, outcome in (
        (NOW_MS - 1, "retry"),
        (NOW_MS - HOUR_MS, "delivered"),
        (NOW_MS - 25 * HOUR_MS, "delivered"),
    ):
        stats.count(sent(at_ms, outcome))
    health = Health(
        consecutive_failures=2,
        failing_since_ms=NOW_MS - 90_000,
        avg_response_ms=12.5,
        last_attempt_at_ms=NOW_MS - 1_000,
        last_success_at_ms=NOW_MS - HOUR_MS,
    )
    assert list(figures(health, stats, NOW_MS)) == [
        ("failing_seconds", 90.0, ()),
        ("consecutive_failures", 2, ()),
        ("response_seconds", 0.0125, ()),
        ("last_attempt_timestamp_seconds", NOW_MS / 1_000 - 1, ()),
        ("last_success_timestamp_seconds", NOW_MS / 1_000 - 3_600, ()),
        ("attempts_of_day", 1, ("accepted",)),
        ("attempts_of_day", 1, ("failed",)),
    ]


def test_what_there_is_none_of_is_left_out() -> None:
    told = {name: value for name, value, _ in figures(Health(), Stats(), NOW_MS)}
    assert told == {"failing_seconds": 0.0, "consecutive_failures": 0, "attempts_of_day": 0}
