"""A job as JSON: what is told of it in each state, and what is not known."""

from dataclasses import replace

import pytest

from consumer.control.owner import Owner
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import (
    Answered,
    Asked,
    Chosen,
    Counts,
    Job,
    Kind,
    Matching,
    Missed,
    Reason,
    Sampled,
    Spot,
    State,
    Subject,
    Wish,
)
from consumer.jobs.reasons import TABLE, told
from consumer.jobs.resource import shown
from consumer.json import Json

CREATED_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
MISSED = Missed(since_ms=CREATED_MS - HOUR_MS, until_ms=CREATED_MS, types=("order.*",))
HALF_MS = CREATED_MS - HOUR_MS // 2
ASKED = Asked(
    id="job_1",
    owner=Owner(tenant="acme", brand="hookline"),
    webhook="wh_1",
    kind=Kind.RECOVER,
    subject=MISSED,
    rate_per_s=10,
    most=10,
    created_by="key_1",
    created_at_ms=CREATED_MS,
    wish=Wish.RUN,
)
JOB = Job(id="job_1", state=State.RUNNING, heard=1)
READING = replace(
    JOB,
    begins={("t", 0): 100, ("t", 1): 0},  # the log no longer holds what was before
    ends={("t", 0): 300, ("t", 1): 200},
    position={("t", 0): 150, ("t", 1): 50},
)


def of(
    job: Job = JOB, subject: Subject = MISSED, answered: Answered | None = None, after_ms: int = 0
) -> dict[str, Json]:
    known = AskedJob(asked=replace(ASKED, subject=subject), job=job)
    return shown(known, answered, CREATED_MS + after_ms)


def test_a_job_is_told_whole() -> None:
    job = replace(
        JOB,
        counts=Counts(
            looked=50, matched=20, sent=18, raced=1, skipped={"waiting": 2, "delivered": 0}, types={"a": 8, "b": 10}
        ),
        counted=Counts(looked=90, matched=40, skipped={"delivered": 2}),
        reached_ms=HALF_MS,
        sample=(Sampled(event_id="e1", event_type="order.paid", at_ms=0),),
        made=("d1",),
        started_at_ms=CREATED_MS,
        position={("events", 0): 4},
        ends={("events", 0): 9},
    )
    answered = Answered(tried=17, attempts=30, delivered=12, failed=2, streak=1)
    assert of(job, answered=answered) == {
        "id": "job_1",
        "object": "job",
        "kind": "recover",
        "webhook": "wh_1",
        "filter": {"types": ["order.*"]},
        "since": "2026-09-21T13:13:20.000Z",
        "until": "2026-09-21T14:13:20.000Z",
        "again": False,
        "ratePerS": 10,
        "state": "running",
        "reason": None,
        "detail": None,
        "other": None,
        "counts": {
            "looked": 50, "matched": 20, "sent": 18, "raced": 1, "delivered": 12, "failing": 3, "failed": 2,
            "skipped": {"waiting": 2},
            "types": {"b": 10, "a": 8},
        },
        "counted": {
            "looked": 90, "matched": 40, "sent": 0, "raced": 0, "delivered": 0, "failing": 0, "failed": 0,
            "skipped": {"delivered": 2},
            "types": {},
        },
        "reachedAt": "2026-09-21T13:43:20.000Z",
        "progress": 0.5,
        "remainingSeconds": 2,
        "sample": [{"delivery": None, "eventId": "e1", "type": "order.paid", "at": "1970-01-01T00:00:00.000Z"}],
        "made": ["d1"],
        "createdBy": "key_1",
        "createdAt": "2026-09-21T14:13:20.000Z",
        "startedAt": "2026-09-21T14:13:20.000Z",
        "finishedAt": None,
    }  # fmt: skip


def test_what_endpoints_made_of_it_is_null_while_nobody_can_say() -> None:
    def answers(sent: int) -> list[Json]:
        counts = of(replace(JOB, counts=Counts(sent=sent)))["counts"]
        assert isinstance(counts, dict)
        return [counts[name] for name in ("delivered", "failing", "failed")]

    assert answers(sent=1) == [None, None, None]
    assert answers(sent=0) == [0, 0, 0]


@pytest.mark.parametrize(
    ("subject", "told_as"),
    [
        (Chosen(spots=(Spot("t", 0, 1), Spot("t", 0, 2))), {"deliveries": 2}),
        (Missed(since_ms=0, until_ms=1), {"types": []}),
        (
            Matching(
                statuses=frozenset({"failed", "delivered"}),
                codes=frozenset({"5xx", "503"}),
                reasons=frozenset({"dns", "address_refused", "expired"}),
                types=("b", "a.*"),
            ),
            {
                "status": ["delivered", "failed"],
                "code": ["503", "5xx"],
                "reason": ["expired", "no_public_address"],
                "type": ["b", "a.*"],
            },
        ),
    ],
)
def test_what_was_asked_for_has_the_names_that_it_is_asked_for_with(subject: Subject, told_as: Json) -> None:
    assert of(subject=subject)["filter"] == told_as


SINCE = Matching(since_ms=CREATED_MS - HOUR_MS)
TWO = Chosen(spots=(Spot("t", 0, 1), Spot("t", 0, 2)))


@pytest.mark.parametrize(
    ("job", "subject", "progress"),
    [
        (JOB, MISSED, 0.0),
        (replace(JOB, reached_ms=HALF_MS), MISSED, 0.5),
        (READING, SINCE, 0.25),
        (replace(JOB, reached_ms=CREATED_MS + HOUR_MS), MISSED, 0.999),
        (replace(JOB, reached_ms=0), MISSED, 0.0),
        (replace(JOB, counts=Counts(looked=1)), TWO, 0.5),
        (replace(JOB, counts=Counts(looked=2)), TWO, 0.999),
        (JOB, Chosen(spots=()), 0.0),
        (JOB, Matching(), 0.0),
        (replace(READING, reached_ms=HALF_MS), Matching(), 0.25),
        (replace(READING, position={}), Matching(), 0.0),
        (replace(READING, position=READING.ends), Matching(), 0.999),
        (replace(READING, state=State.COUNTING), Matching(), 0.25),
        (replace(READING, begins={}, position={}, ends={}), Matching(), 0.0),
        (replace(JOB, position={("t", 0): 7}, counts=Counts(looked=5), counted=Counts(looked=20)), Matching(), 0.25),
        (replace(JOB, state=State.DONE), Matching(), 1.0),
        (replace(JOB, state=State.COUNTED), MISSED, 1.0),
        (replace(JOB, state=State.CANCELED, reached_ms=HALF_MS), MISSED, 0.5),
    ],
)
def test_progress_is_told_and_whole_only_at_the_end(job: Job, subject: Subject, progress: float) -> None:
    assert of(job, subject)["progress"] == progress


COUNTED = Counts(matched=105, skipped={"delivered": 3, "waiting": 2})


@pytest.mark.parametrize(
    ("job", "subject", "after_ms", "left_s"),
    [
        (replace(JOB, state=State.COUNTED, counted=COUNTED), MISSED, 0, 10),
        (replace(JOB, counted=COUNTED, counts=Counts(sent=35)), MISSED, 0, 7),
        (replace(JOB, counted=COUNTED, counts=Counts(sent=900)), MISSED, 0, 0),
        (replace(JOB, started_at_ms=CREATED_MS, reached_ms=HALF_MS), MISSED, 30_000, 30),
        (replace(JOB, state=State.COUNTING, reached_ms=HALF_MS), MISSED, 4_000, 4),
        (JOB, MISSED, 30_000, None),
        (READING, Matching(), 30_000, 90),
        (JOB, TWO, 0, 1),
        (replace(JOB, state=State.PAUSED, counted=COUNTED), MISSED, 0, None),
        (replace(JOB, state=State.DONE, counted=COUNTED), MISSED, 0, None),
    ],
)
def test_time_left_is_told_of_what_goes_on_or_could(
    job: Job, subject: Subject, after_ms: int, left_s: int | None
) -> None:
    assert of(job, subject, after_ms=after_ms)["remainingSeconds"] == left_s


def test_every_reason_is_told_in_words_and_none_tells_what_we_are_made_of() -> None:
    assert TABLE.keys() == set(Reason)
    assert len({each.code for each in TABLE.values()}) == len(TABLE)
    for reason in Reason:
        shown_as = of(replace(JOB, state=told(reason).state, reason=reason, other="job_2"))
        assert (shown_as["reason"], shown_as["detail"]) == (told(reason).code, told(reason).detail)
        assert shown_as["other"] == "job_2"
        assert "kafka" not in str(shown_as).lower()
