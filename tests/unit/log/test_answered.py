"""What a job's attempts add up to."""

from msgspec.structs import replace

from consumer.delivery.answer import OURS
from consumer.log.answered import KEPT_FOR_MS, NO_COUNTS, Answered, JobCounts, counted, summed
from consumer.log.figures import Figures, Rows, forgotten_jobs
from consumer.log.health import Sent

NOW_MS = 1_790_000_000_000
ACCEPTED = Sent(
    at_ms=NOW_MS,
    logged_ms=NOW_MS,
    url="https://example.com/",
    status=200,
    failure=None,
    elapsed_ms=5.0,
    outcome="delivered",
    trigger="replay",
    job_id="job_1",
)
FAILED = replace(ACCEPTED, status=500, outcome="retry")
DIED = replace(FAILED, number=5, outcome="dead")


def after(*attempts: Sent) -> Answered:
    counts = NO_COUNTS
    for each in attempts:
        counts = counted(counts, each)
    return counts.answered


def test_deliveries_are_counted_by_their_first_attempts() -> None:
    again = replace(ACCEPTED, number=2)
    assert after(ACCEPTED, FAILED, again, DIED) == Answered(tried=2, attempts=4, delivered=2, failed=1, streak=1)


def test_a_success_ends_the_row_of_failures() -> None:
    assert after(FAILED, FAILED, DIED).streak == 3
    assert after(FAILED, FAILED, ACCEPTED).streak == 0


def test_a_failure_of_ours_neither_ends_a_row_nor_adds_to_it() -> None:
    for kind in OURS:
        ours = replace(FAILED, status=None, failure=kind)
        assert after(FAILED, ours, FAILED, ours).streak == 2


def test_of_several_partitions_the_sums_count_and_the_newest_row() -> None:
    old = JobCounts(answered=Answered(tried=7, attempts=9, delivered=1, failed=2, streak=8), last_ms=5)
    new = JobCounts(answered=Answered(tried=1, attempts=2, delivered=3, failed=4, streak=1), last_ms=6)
    both = Answered(tried=8, attempts=11, delivered=4, failed=6, streak=1)
    assert summed([old, new]) == summed([new, old]) == both
    assert summed([]) == Answered()


def test_counts_go_a_week_after_the_last_attempt() -> None:
    jobs = {"old": JobCounts(last_ms=NOW_MS - KEPT_FOR_MS - 1), "new": JobCounts(last_ms=NOW_MS - KEPT_FOR_MS)}
    assert forgotten_jobs(Figures(stand="9", offset=9, jobs=Rows(jobs)), NOW_MS) == ["old"]


def test_of_too_many_the_oldest_resends_go_first() -> None:
    jobs = {f"resend_{age}": JobCounts(last_ms=NOW_MS - age, resend=True) for age in (1, 3, 2)}
    jobs |= {f"replay_{age}": JobCounts(last_ms=NOW_MS - age) for age in (100, 200)}
    figures = Figures(stand="9", offset=9, jobs=Rows(jobs))
    assert forgotten_jobs(figures, NOW_MS, most=3) == ["resend_3", "resend_2"]
    assert forgotten_jobs(figures, NOW_MS, most=1) == ["resend_3", "resend_2", "resend_1", "replay_200"]
    assert forgotten_jobs(figures, NOW_MS, most=5) == []
