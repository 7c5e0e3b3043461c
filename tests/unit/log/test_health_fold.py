"""Health is a fold: the same attempts give the same figures, and each figure means what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.pretty import pretty_repr

from consumer.delivery.delivery import Attempt
from consumer.delivery.words import WORDS
from consumer.kafka.records import encode_attempt
from consumer.log.attempts import head_of, sent_of
from consumer.log.health import AVERAGED_OVER, NO_HEALTH, Health, LastStatus, Sent, folded
from consumer.wire import RecordCorrupt
from tests.attempts import plain

NOW_MS = 1_790_000_000_000


def sent(
    at_ms: int = 0, *, status: int | None = 500, url: str = "https://example.com/a", took_ms: float = 10.0
) -> Sent:
    """An attempt `at_ms` after the beginning."""
    accepted = status is not None and status < 300
    return Sent(
        at_ms=NOW_MS + at_ms,
        logged_ms=NOW_MS + at_ms,
        url=url,
        status=status,
        failure=None if status else "timeout",
        elapsed_ms=took_ms,
        outcome="delivered" if accepted else "retry",
    )


def after(*attempts: Sent, counts_from_ms: int = 0) -> Health:
    health = NO_HEALTH
    for each in attempts:
        health = folded(health, each, counts_from_ms=counts_from_ms)
    return health


def test_a_success_ends_every_count_of_failures() -> None:
    health = after(sent(0), sent(1, status=None), sent(2, status=204, took_ms=40.0))
    assert (health.consecutive_failures, health.errors_since_last_success, health.failing_since_ms) == (0, 0, None)
    assert health.last_success_at_ms == NOW_MS + 42
    assert health.last_status == LastStatus(code=204, message="No Content", at_ms=NOW_MS + 42)


def test_failures_in_a_row_count_from_the_first_of_them() -> None:
    health = after(sent(0, status=200), sent(10), sent(20, status=None), sent(30, status=404))
    assert (health.consecutive_failures, health.errors_since_last_success) == (3, 3)
    assert health.failing_since_ms == NOW_MS + 10
    assert health.last_success_at_ms == NOW_MS + 10


def test_another_url_begins_the_row_anew_but_no_success_has_come_for_it() -> None:
    health = after(sent(0), sent(10), sent(20, url="https://example.com/b"))
    assert (health.consecutive_failures, health.failing_since_ms) == (1, NOW_MS + 20)
    assert health.errors_since_last_success == 3


def test_a_resume_begins_the_row_anew() -> None:
    before = after(sent(0), sent(10))
    health = folded(before, sent(30), counts_from_ms=NOW_MS + 20)
    assert (health.consecutive_failures, health.failing_since_ms) == (1, NOW_MS + 30)
    assert health.errors_since_last_success == 3


def test_an_attempt_sent_before_the_resume_and_answered_after_it_is_not_held_against_the_endpoint() -> None:
    health = folded(after(sent(0)), sent(10), counts_from_ms=NOW_MS + 20)
    assert (health.consecutive_failures, health.failing_since_ms) == (0, None)


@pytest.mark.parametrize("ours", ["unsignable", "unanswered", "bug"])
def test_a_failure_of_ours_says_nothing_of_the_endpoint(ours: str) -> None:
    health = after(sent(0))
    assert folded(health, replace(sent(5, status=None), failure=ours)) is health


@pytest.mark.parametrize("status", [200, 500, None])
def test_a_test_event_touches_nothing(status: int | None) -> None:
    health = after(sent(0), sent(1))
    tested = replace(sent(5, status=status), trigger="test")
    assert folded(health, tested) is health
    assert folded(NO_HEALTH, tested) is NO_HEALTH


@pytest.mark.parametrize("status", [200, 500, None])
def test_what_is_sent_again_now_touches_nothing_and_what_a_job_sends_counts(status: int | None) -> None:
    health = after(sent(0), sent(1))
    now = replace(sent(5, status=status), trigger="resend")
    assert folded(health, now) is health
    assert folded(health, replace(now, job_id="job_1")) == folded(health, sent(5, status=status))


def test_a_url_is_in_no_words_of_an_attempt() -> None:
    attempt = sent(url="https://example.com/secret")
    assert "secret" not in repr(attempt) + pretty_repr(attempt)


def test_only_answers_have_a_response_time() -> None:
    health = after(sent(0, took_ms=10.0), sent(1, took_ms=20.0), sent(2, status=None, took_ms=10_000.0))
    assert (health.avg_response_ms, health.last_response_ms) == (15.0, 20.0)
    assert health.last_status == LastStatus(code=None, message=WORDS["timeout"], at_ms=NOW_MS + 10_002)


def test_what_went_wrong_is_told_in_words_for_customers() -> None:
    refused = replace(sent(status=None), failure="connect")
    assert after(refused).last_status == LastStatus(code=None, message=WORDS["connect"], at_ms=NOW_MS + 10)


def test_a_status_without_a_name_has_no_message() -> None:
    status = after(sent(status=799)).last_status
    assert status is not None
    assert (status.code, status.message) == (799, "")


def test_the_average_follows_an_endpoint_that_became_slow() -> None:
    fast = [sent(number, status=200, took_ms=10.0) for number in range(10 * AVERAGED_OVER)]
    slow = [sent(number, status=200, took_ms=1_000.0) for number in range(3 * AVERAGED_OVER)]
    average_ms = after(*fast, *slow).avg_response_ms
    assert average_ms is not None
    assert 940 < average_ms < 1_000


times = st.lists(st.floats(min_value=0, max_value=30_000), min_size=1, max_size=3 * AVERAGED_OVER)


@given(times)
def test_the_average_lies_among_the_answers_and_is_their_mean_at_first(took_ms: list[float]) -> None:
    average_ms = after(*(sent(status=200, took_ms=each) for each in took_ms)).avg_response_ms
    assert average_ms is not None
    assert min(took_ms) - 1e-6 <= average_ms <= max(took_ms) + 1e-6
    if len(took_ms) <= AVERAGED_OVER:
        assert average_ms == pytest.approx(sum(took_ms) / len(took_ms))


ends = st.sampled_from([200, 204, 302, 410, 500, None])
histories = st.lists(st.tuples(ends, st.sampled_from(["https://a.example/", "https://b.example/"])), max_size=40)


@given(histories)
def test_the_counts_are_what_counting_backwards_gives(history: list[tuple[int | None, str]]) -> None:
    attempts = [sent(number, status=status, url=url) for number, (status, url) in enumerate(history)]
    health = after(*attempts)
    failures = []
    for each in reversed(attempts):
        if each.outcome == "delivered":
            break
        failures.append(each)
    row = [each for number, each in enumerate(failures) if all(one.url == each.url for one in failures[:number])]
    assert health.errors_since_last_success == len(failures)
    assert health.consecutive_failures == len(row)
    assert health.failing_since_ms == (row[-1].at_ms if row else None)


def test_an_attempts_record_is_read_as_far_as_it_is_needed() -> None:
    attempt = replace(plain, status=None, failure="dns", failure_detail="no such host", outcome="retry")
    names = {*Sent.__struct_fields__} - {"logged_ms"}  # which the record's own time tells
    assert names <= {*Attempt.__struct_fields__}
    wanted = {name: getattr(attempt, name) for name in names}
    assert sent_of(head_of(encode_attempt(attempt)), NOW_MS) == Sent(logged_ms=NOW_MS, **wanted)


def test_what_is_no_attempt_is_refused() -> None:
    with pytest.raises(RecordCorrupt):
        head_of(b"")
