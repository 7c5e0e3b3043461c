"""Where a list of jobs goes on, who is woken by what became of one, and what is said of a record that is none."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from msgspec.structs import replace

from consumer.control.owner import Owner
from consumer.jobs.directory import Jobs
from consumer.jobs.job import Job, State, Wish
from consumer.jobs.record import asked_record, forgotten, job_record
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from tests.jobs import ACME, NOW_MS, asked, taken

OTHER = Owner(tenant="umbrella", brand="hookline")


def directory(*new: NewRecord) -> Jobs:
    made = Jobs()
    apply(made, *new)
    return made


def apply(jobs: Jobs, *new: NewRecord) -> None:
    for each in new:
        jobs.apply(taken(each))


def made(
    job_id: str, *, created_at_ms: int = NOW_MS, owner: Owner = ACME, state: State = State.DONE
) -> list[NewRecord]:
    return [
        asked_record("jobs", asked(id=job_id, owner=owner, created_at_ms=created_at_ms)),
        job_record("jobs", Job(id=job_id, state=state, heard=1)),
    ]


def ids(jobs: Jobs, after: str | None, limit: int = 10, owner: Owner = ACME) -> tuple[list[str], str | None]:
    page, more = jobs.page(owner, after=after, limit=limit)
    return [each.asked.id for each in page], more


def test_a_list_begins_with_the_newest_and_goes_on_where_it_ended() -> None:
    jobs = directory(*made("job_b"), *made("job_a"), *made("job_c", created_at_ms=NOW_MS + 1))
    assert ids(jobs, None, 2) == (["job_c", "job_a"], "job_a")
    apply(jobs, *made("job_d", created_at_ms=NOW_MS + 2))
    assert ids(jobs, "job_a", 2) == (["job_b"], None)
    assert ids(jobs, None) == (["job_d", "job_c", "job_a", "job_b"], None)


def test_a_list_goes_on_behind_nobody_elses_job_and_none_that_is_gone() -> None:
    newer_ms = NOW_MS + 1
    others, gone = made("job_2", owner=OTHER, created_at_ms=newer_ms), made("job_3", created_at_ms=newer_ms)
    jobs = directory(*made("job_1"), *others, *gone, *forgotten("jobs", "job_3"))
    assert ids(jobs, "job_2") == ids(jobs, "job_3") == ids(jobs, "job_9") == ([], None)
    assert ids(jobs, None) == (["job_1"], None)
    assert ids(jobs, None, owner=Owner(tenant="acme", brand="convo")) == ([], None)


def test_a_refused_job_is_in_no_list_and_found_by_its_id() -> None:
    jobs = directory(*made("job_1", state=State.REFUSED), *made("job_2"))
    assert ids(jobs, None, 1) == (["job_2"], None)
    assert [each.asked.id for each in jobs.all()] == ["job_1", "job_2"]
    found = jobs.known("job_1")
    assert found is not None
    assert found.job.state is State.REFUSED


@pytest.mark.parametrize("odd", [None, b"", b"odd"])
def test_a_job_whose_state_is_not_known_any_more_does_not_begin_anew(odd: bytes | None) -> None:
    wanted, became = made("job_1")
    lost = NewRecord(topic="jobs", key=became.key, value=odd)
    with structlog.testing.capture_logs():
        jobs = directory(wanted, became, lost)
        assert (jobs.get("job_1"), jobs.known("job_1"), jobs.unheard(), [*jobs.all()]) == (None, None, [], [])
        apply(jobs, asked_record("jobs", asked(2, Wish.RUN)))
        assert jobs.unheard() == []
        apply(jobs, became)
    assert [each.number for each, _ in jobs.unheard()] == [2]


def test_a_state_that_cannot_be_read_hides_its_job_also_where_it_is_read_first() -> None:
    wanted, became = made("job_1")
    with structlog.testing.capture_logs():
        jobs = directory(NewRecord(topic="jobs", key=became.key, value=b"odd"), wanted)
    assert (jobs.get("job_1"), jobs.unheard()) == (None, [])


def test_who_goes_through_all_jobs_finds_each_as_it_is_by_then() -> None:
    jobs = directory(*made("job_1", state=State.RUNNING), *made("job_2"), *made("job_3", state=State.RUNNING))
    going = jobs.all()
    assert next(going).asked.id == "job_1"
    apply(jobs, *forgotten("jobs", "job_2"), *made("job_3", state=State.DONE)[1:])
    assert [(each.asked.id, each.job.state) for each in going] == [("job_3", State.DONE)]


def test_what_is_no_job_is_told_by_its_place() -> None:
    with structlog.testing.capture_logs() as said:
        for key in (b"job:job_1", b"job-asked:job_1"):
            Jobs().apply(taken(NewRecord(topic="jobs", key=key, value=b"odd"), partition=3, offset=7))
        Jobs().apply(taken(NewRecord(topic="jobs", key=b"key:1", value=b"odd")))
    assert [(each["event"], each["partition"], each["offset"]) for each in said] == [("not a job", 3, 7)] * 2


def test_who_waits_is_woken_as_soon_as_his_wish_was_heard_and_not_before() -> None:
    jobs = directory(*made("job_1", state=State.RUNNING))
    began = threading.Barrier(2)

    def wait() -> tuple[int, float]:
        began.wait()
        found = jobs.wait_heard("job_1", 2, 10)
        assert found is not None
        return found.job.heard, time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        began.wait()
        apply(jobs, asked_record("jobs", asked(2, Wish.PAUSE)))
        apply(jobs, job_record("jobs", Job(id="job_1", state=State.RUNNING, heard=1)))
        time.sleep(0.05)
        assert not waiting.done()
        told_s = time.monotonic()
        apply(jobs, job_record("jobs", Job(id="job_1", state=State.PAUSED, heard=3)))
        heard, woken_s = waiting.result(10)
    assert heard == 3
    assert woken_s - told_s < 2


def test_who_waits_for_nothing_is_told_so_in_time() -> None:
    jobs = directory(asked_record("jobs", asked()))
    began_s = time.monotonic()
    assert jobs.wait_heard("job_1", 1, 0.05) is None
    assert jobs.wait_heard("job_9", 1, 0.05) is None
    assert time.monotonic() - began_s < 5


def test_only_the_last_wishes_that_were_none_are_remembered() -> None:
    jobs = directory(asked_record("jobs", asked()))
    none = taken(asked_record("jobs", asked(wish=Wish.CANCEL)))
    for offset in range(10_002):
        jobs.apply(replace(none, offset=offset))
    assert [jobs.held(Place(partition=0, offset=offset)) for offset in (1, 2, 10_001)] == [True, False, False]
