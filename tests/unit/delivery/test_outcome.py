import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.delivery.answer import Answer, FailureKind
from consumer.delivery.outcome import (
    DELIVERED,
    Dead,
    DeathReason,
    Outcome,
    Retry,
    asks_to_slow_down,
    decide,
    is_unreachable,
    read,
    retry_after_ms,
)
from tests.deliveries import NOW_MS, SCHEDULE, delivery, failure, response


def after(answer: Answer, *, attempts: int = 0, tier: int = -1, retries: bool = True) -> Outcome:
    return decide(
        read(answer, NOW_MS),
        delivery(attempts=attempts, tier=tier),
        SCHEDULE,
        retries=retries,
        started_ms=NOW_MS,
        now_ms=NOW_MS,
    )


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_delivers(status: int) -> None:
    assert after(response(status)) is DELIVERED


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503, 600])
def test_everything_else_goes_to_the_next_tier(status: int) -> None:
    assert after(response(status)) == Retry(tier=1)
    assert after(response(status), attempts=1, tier=1) == Retry(tier=2)


@pytest.mark.parametrize("kind", list(FailureKind))
def test_so_does_no_answer_of_any_kind(kind: FailureKind) -> None:
    assert after(failure(kind)) == Retry(tier=1)


def test_410_is_final_and_suspends_even_without_retries() -> None:
    assert after(response(410)) == Dead(reason=DeathReason.GONE, suspend=True)
    assert after(response(410), retries=False) == Dead(reason=DeathReason.GONE, suspend=True)


def test_without_retries_the_first_failure_is_final() -> None:
    assert after(response(500), retries=False) == Dead(reason=DeathReason.RETRIES_NONE)


def test_the_last_attempt_exhausts_it() -> None:
    assert after(response(500), attempts=SCHEDULE.last, tier=SCHEDULE.last) == Dead(reason=DeathReason.EXHAUSTED)


def test_spills_cost_no_attempt_and_where_it_waited_delays_no_retry() -> None:
    assert after(response(500), attempts=0, tier=SCHEDULE.last) == Retry(tier=1)


def test_what_could_only_be_tried_after_its_time_is_expired() -> None:
    late = replace(delivery(attempts=1), first_attempt_ms=NOW_MS - SCHEDULE.retry_for_ms + 900)
    asked = read(response(500), NOW_MS)
    assert decide(asked, late, SCHEDULE, retries=True, started_ms=NOW_MS, now_ms=NOW_MS) == Dead(
        reason=DeathReason.EXPIRED
    )
    turned = replace(late, waited_ms=4_000, waiting_since_ms=NOW_MS - 1_001)
    assert decide(asked, turned, SCHEDULE, retries=True, started_ms=NOW_MS, now_ms=NOW_MS) == Retry(tier=2)


@given(
    left_ms=st.integers(-1_000, SCHEDULE.retry_for_ms),
    attempts=st.integers(0, SCHEDULE.last - 1),
    asked_s=st.none() | st.integers(0, 30),
)
def test_a_retry_takes_the_longest_delay_that_is_over_in_time(left_ms: int, attempts: int, asked_s: int | None) -> None:
    one = replace(delivery(attempts=attempts), first_attempt_ms=NOW_MS - SCHEDULE.retry_for_ms + left_ms)
    headers = () if asked_s is None else (("Retry-After", str(asked_s)),)
    asked = read(response(503, *headers), NOW_MS)
    outcome = decide(asked, one, SCHEDULE, retries=True, started_ms=NOW_MS, now_ms=NOW_MS)
    least = SCHEDULE.covering((asked_s or 0) * 1_000, above=0)
    planned = max(attempts + 1, least)
    over_ms = [SCHEDULE.delays_ms[tier] + SCHEDULE.jitter_ms(one.id, tier) for tier in range(SCHEDULE.last + 1)]
    match outcome:
        case Retry(tier=tier):
            assert least <= tier <= planned
            assert over_ms[tier] < left_ms
            assert tier == planned or over_ms[tier + 1] >= left_ms
        case _:
            assert outcome == Dead(reason=DeathReason.EXPIRED)
            assert over_ms[least] >= left_ms


def test_the_wait_before_the_first_attempt_is_not_counted_as_trying() -> None:
    first = replace(delivery(), first_due_ms=NOW_MS - 10 * SCHEDULE.retry_for_ms)
    outcome = decide(read(response(500), NOW_MS), first, SCHEDULE, retries=True, started_ms=NOW_MS, now_ms=NOW_MS)
    assert outcome == Retry(tier=1)


@pytest.mark.parametrize(
    ("value", "tier"),
    [("3", 2), ("1", 1), ("0", 1), ("19", 3), ("86400", 3), ("-5", 1), ("soon", 1), ("", 1), ("1e3", 1), ("٣", 1)],
)
def test_retry_after_raises_the_tier_to_the_one_that_covers_it(value: str, tier: int) -> None:
    assert after(response(503, ("Retry-After", value))) == Retry(tier=tier)


def test_retry_after_may_be_a_date() -> None:
    # NOW_MS is 2026-09-21T14:13:20Z
    assert retry_after_ms(response(503, ("retry-after", "Mon, 21 Sep 2026 14:13:30 GMT")), NOW_MS) == 10_000
    assert retry_after_ms(response(503, ("retry-after", "Mon, 21 Sep 2020 14:13:30 GMT")), NOW_MS) == 0
    assert retry_after_ms(response(503, ("retry-after", "Mon, 99 Sep 2026 14:13:30 GMT")), NOW_MS) is None


@given(st.text(max_size=40))
def test_no_retry_after_breaks_the_decision(value: str) -> None:
    assert isinstance(after(response(503, ("Retry-After", value))), Retry)


def test_who_slows_the_lane_and_what_the_breaker_counts() -> None:
    assert {status for status in range(100, 600) if asks_to_slow_down(response(status))} == {429, 502, 503, 504}
    counted = {kind for kind in FailureKind if is_unreachable(failure(kind))}
    assert counted == {FailureKind.CONNECT, FailureKind.TLS, FailureKind.RESET, FailureKind.TIMEOUT}
    assert not any(is_unreachable(response(status)) for status in range(100, 600))
