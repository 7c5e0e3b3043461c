"""The laws of `jobs.conduct`, over whatever is asked for, wished and answered, in whatever order."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.jobs import conduct
from consumer.jobs.conduct import (
    BEHIND_AFTER_MS,
    FAILED_IN_A_ROW,
    FORGOTTEN_AFTER_MS,
    HELD_BACK,
    UNFINISHED_OF_A_TENANT,
    AskedJob,
    Send,
    Stop,
)
from consumer.jobs.job import Answered, Asked, Counts, Job, Kind, Missed, Reason, State, Wish
from consumer.webhooks.subscription import Status
from tests.jobs import NOW_MS, asked

WEBHOOKS: Final = ("wh_1", "wh_2")
STARTED: Final = frozenset({State.RUNNING, State.PAUSED})
UNASKED: Final = Answered()


@dataclass(slots=True)
class One:
    """A job, what its endpoint made of it, and how it ended."""

    known: AskedJob
    answered: Answered = UNASKED
    ended: Job | None = None


@dataclass(slots=True)
class Tenant:
    """One tenant's jobs and webhooks. A delivery is tried after it was sent, and succeeds or fails then."""

    now_ms: int = NOW_MS
    jobs: list[One] = field(default_factory=list)
    statuses: dict[str, Status | None] = field(default_factory=lambda: dict.fromkeys(WEBHOOKS, Status.ACTIVE))

    @property
    def all(self) -> list[AskedJob]:
        return [one.known for one in self.jobs]

    def one(self, number: int) -> One | None:
        return self.jobs[number % len(self.jobs)] if self.jobs else None

    def check(self) -> None:
        """The laws hold now."""
        started: Counter[str] = Counter()
        unfinished = 0
        for one in self.jobs:
            wanted, job = one.known.asked, one.known.job
            if one.ended is not None:
                assert replace(job, heard=one.ended.heard) == one.ended
            elif job.ended:
                assert job.finished_at_ms is not None
                one.ended = job
            assert job.counts.sent - one.answered.tried <= HELD_BACK
            if job.state is State.REFUSED:
                assert (job.counts.sent, job.started_at_ms) == (0, None)
                assert (job.reason is Reason.SAME_JOB) or wanted.kind is not Kind.RESEND
            if job.state is State.RUNNING:
                assert (job.started_at_ms is not None, job.reason) == (True, None)
            if wanted.kind is not Kind.RESEND:
                started[wanted.webhook] += job.state in STARTED
                unfinished += not job.ended
        assert max(started.values(), default=0) <= 1
        assert unfinished <= UNFINISHED_OF_A_TENANT


Action: TypeAlias = Callable[[Tenant], None]
numbers = st.integers(0, 9)
wishes = st.sampled_from(Wish)
shares = st.sampled_from((0.0, 0.5, 1.0))


def ask(webhook: str, kind: Kind, wish: Wish, since_ms: int, again: bool) -> Action:
    def act(tenant: Tenant) -> None:
        id_, subject = f"job_{len(tenant.jobs)}", Missed(since_ms=since_ms, until_ms=9)
        wanted = asked(id=id_, webhook=webhook, kind=kind, wish=wish, again=again, subject=subject)
        tenant.jobs.append(One(known=AskedJob(asked=wanted, job=conduct.begun(wanted, tenant.all, tenant.now_ms))))

    return act


def want(number: int, wish: Wish, knows: bool) -> Action:
    def act(tenant: Tenant) -> None:
        if (one := tenant.one(number)) is None:
            return
        was = one.known
        wanted = replace(was.asked, wish=wish, number=was.asked.number + 1)
        job = conduct.heard(wanted, was.job, tenant.all, one.answered if knows else None, tenant.now_ms)
        assert job.heard == wanted.number
        assert wish is Wish.RUN or job.state in {was.job.state, State.PAUSED, State.CANCELED}
        assert wish is not Wish.CANCEL or job.ended
        one.known = AskedJob(asked=wanted, job=job)

    return act


def go_on(number: int, share: float, knows: bool, held_ms: int) -> Action:
    def act(tenant: Tenant) -> None:
        one = tenant.one(number)
        if one is None or one.known.job.state is not State.RUNNING:
            return
        job, status = one.known.job, tenant.statuses[one.known.asked.webhook]
        match conduct.allowed(job, status=status, answered=one.answered if knows else None, held_ms=held_ms):
            case Send(most=most):
                assert status is Status.ACTIVE
                job = replace(job, counts=Counts(sent=job.counts.sent + round(most * share)))
            case Stop(state=state, reason=reason):
                finished = tenant.now_ms if state is State.FAILED else None
                job = replace(job, state=state, reason=reason, finished_at_ms=finished)
        one.known = replace(one.known, job=job)

    return act


def be_tried(number: int, share: float, works: bool, attempts: int) -> Action:
    def act(tenant: Tenant) -> None:
        if (one := tenant.one(number)) is None:
            return
        seen = one.answered
        tried = round((one.known.job.counts.sent - seen.tried) * share)
        streak = 0 if works and tried else seen.streak + tried * attempts
        one.answered = replace(seen, tried=seen.tried + tried, attempts=seen.attempts + tried * attempts, streak=streak)

    return act


def come_to_an_end(number: int, state: State) -> Action:
    def act(tenant: Tenant) -> None:
        one = tenant.one(number)
        if one is None or one.known.job.state is not (State.COUNTING if state is State.COUNTED else State.RUNNING):
            return
        finished = None if state is State.COUNTED else tenant.now_ms
        one.known = replace(one.known, job=replace(one.known.job, state=state, finished_at_ms=finished))

    return act


def change_webhook(webhook: str, status: Status | None) -> Action:
    def act(tenant: Tenant) -> None:
        tenant.statuses[webhook] = status
        tenant.now_ms += 1

    return act


actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(ask, st.sampled_from(WEBHOOKS), st.sampled_from(Kind), wishes, st.integers(0, 8), st.booleans()),
    st.builds(want, numbers, wishes, st.booleans()),
    st.builds(go_on, numbers, shares, st.booleans(), st.sampled_from((0, BEHIND_AFTER_MS))),
    st.builds(be_tried, numbers, shares, st.booleans(), st.integers(1, 3)),
    st.builds(come_to_an_end, numbers, st.sampled_from((State.COUNTED, State.DONE, State.FAILED))),
    st.builds(change_webhook, st.sampled_from(WEBHOOKS), st.none() | st.sampled_from(Status)),
)


@given(st.lists(actions, min_size=10, max_size=60))
def test_the_laws_hold_whatever_happens(happening: list[Action]) -> None:
    tenant = Tenant()
    for act in happening:
        act(tenant)
        tenant.check()


def running(sent: int = 0) -> Job:
    return Job(id="job_1", state=State.RUNNING, heard=1, counts=Counts(sent=sent))


def step(
    job: Job, answered: Answered | None = UNASKED, held_ms: int = 0, status: Status | None = Status.ACTIVE
) -> object:
    return conduct.allowed(job, status=status, answered=answered, held_ms=held_ms)


def paused(reason: Reason) -> Stop:
    return Stop(state=State.PAUSED, reason=reason)


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_so_much_is_sent_that_no_more_than_a_thousand_are_untried(sent: int, tried: int) -> None:
    tried = min(sent, tried)
    assert step(running(sent=sent), Answered(tried=tried)) == Send(most=max(0, HELD_BACK - sent + tried))


def test_where_nobody_knows_what_was_tried_a_thousand_are_sent_and_it_waits() -> None:
    assert step(running(sent=400), None) == Send(most=600)
    assert step(running(sent=1_000), None, BEHIND_AFTER_MS) == Send(most=0)


def test_a_job_whose_deliveries_are_not_tried_for_a_minute_pauses() -> None:
    assert step(running(sent=1_000), UNASKED, BEHIND_AFTER_MS - 1) == Send(most=0)
    assert step(running(sent=1_000), UNASKED, BEHIND_AFTER_MS) == paused(Reason.BEHIND)
    assert step(running(sent=999), UNASKED, BEHIND_AFTER_MS) == Send(most=1)


def test_a_job_pauses_when_its_last_twenty_attempts_failed_and_counts_anew_when_it_goes_on() -> None:
    failing = Answered(tried=30, attempts=30, streak=FAILED_IN_A_ROW)
    job = running(sent=30)
    assert step(job, replace(failing, streak=19)) == Send(most=1_000)
    assert step(job, failing) == paused(Reason.ENDPOINT_FAILS)
    by_itself = replace(job, state=State.PAUSED, reason=Reason.ENDPOINT_FAILS, started_at_ms=1)
    again = conduct.heard(asked(2), by_itself, [], failing, NOW_MS)
    assert (again.state, again.reason, again.started_at_ms) == (State.RUNNING, None, 1)
    assert step(again, failing) == Send(most=1_000)
    worse = Answered(tried=30, attempts=49, streak=39)
    assert step(again, worse) == Send(most=1_000)
    assert step(again, replace(worse, attempts=50, streak=40)) == paused(Reason.ENDPOINT_FAILS)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (None, State.FAILED, Reason.WEBHOOK_DELETED),
        (Status.PAUSED, State.PAUSED, Reason.WEBHOOK_PAUSED),
        (Status.SUSPENDED, State.PAUSED, Reason.WEBHOOK_SUSPENDED),
    ],
)
def test_nothing_is_sent_for_a_webhook_that_would_not_take_it(
    status: Status | None, state: State, reason: Reason
) -> None:
    assert step(running(), status=status) == Stop(state=state, reason=reason)


def known(wanted: Asked, state: State) -> AskedJob:
    return AskedJob(asked=wanted, job=Job(id=wanted.id, state=state, heard=1))


def test_the_same_job_is_refused_while_one_is_unfinished_unless_again() -> None:
    other = known(asked(id="job_0", wish=Wish.COUNT), State.COUNTED)
    refused = conduct.begun(asked(wish=Wish.COUNT), [other], NOW_MS)
    assert (refused.state, refused.reason, refused.other) == (State.REFUSED, Reason.SAME_JOB, "job_0")
    assert conduct.begun(asked(wish=Wish.COUNT, again=True), [other], NOW_MS).state is State.COUNTING
    over = known(other.asked, State.DONE)
    assert conduct.begun(asked(wish=Wish.COUNT), [over], NOW_MS).state is State.COUNTING


@pytest.mark.parametrize("wish", [Wish.RUN, Wish.PAUSE])
@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_a_job_beside_one_that_runs_for_its_webhook_is_refused(wish: Wish, state: State) -> None:
    other = known(asked(id="job_0", subject=Missed(since_ms=1, until_ms=2)), state)
    refused = conduct.begun(asked(wish=wish), [other], NOW_MS)
    assert (refused.state, refused.reason, refused.other) == (State.REFUSED, Reason.ONE_RUNNING, "job_0")
    assert conduct.begun(asked(wish=wish, webhook="wh_2"), [other], NOW_MS).state in STARTED


def test_one_that_was_counted_waits_for_the_one_that_runs_and_says_so() -> None:
    other = known(asked(id="job_0"), State.RUNNING)
    counted = Job(
        id="job_1", state=State.COUNTED, heard=1, counted=Counts(looked=3), ends={("t", 0): 4}, position={("t", 0): 4}
    )
    waits = conduct.heard(asked(2), counted, [other], None, NOW_MS)
    assert (waits.state, waits.reason, waits.other) == (State.COUNTED, Reason.ONE_RUNNING, "job_0")
    runs = conduct.heard(asked(3), waits, [known(other.asked, State.DONE)], None, NOW_MS)
    assert (runs.state, runs.reason, runs.other, runs.started_at_ms) == (State.RUNNING, None, None, NOW_MS)
    assert (runs.ends, runs.position, runs.counted) == ({}, {}, Counts(looked=3))


def test_a_resend_stands_beside_all_others() -> None:
    others = [
        known(asked(id=f"job_{each}", webhook=f"wh_{each}", kind=kind), State.RUNNING)
        for kind in (Kind.REPLAY, Kind.RESEND)
        for each in range(UNFINISHED_OF_A_TENANT)
    ]
    resend = asked(id="job_9", kind=Kind.RESEND, subject=Missed(since_ms=1, until_ms=2))
    assert conduct.begun(resend, others, NOW_MS).state is State.RUNNING
    replay = replace(resend, kind=Kind.REPLAY, webhook="wh_9")
    assert conduct.begun(replay, others, NOW_MS).reason is Reason.TOO_MANY_JOBS
    assert conduct.begun(replay, others[1:], NOW_MS).state is State.RUNNING


@pytest.mark.parametrize("state", State)
def test_a_job_outlives_its_end_and_its_customer_by_a_week(state: State) -> None:
    wanted = asked()
    waits = state in {State.COUNTED, State.PAUSED}
    job = Job(id="job_1", state=state, heard=1)
    ended = replace(job, finished_at_ms=NOW_MS + 5) if job.ended else job
    over_ms = NOW_MS + FORGOTTEN_AFTER_MS + (5 if job.ended else 0)
    assert not conduct.outlived(wanted, ended, over_ms - 1)
    assert conduct.outlived(wanted, ended, over_ms) == (waits or job.ended)
