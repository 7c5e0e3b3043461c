"""The laws of `jobs.conduct`, over whatever is asked for, wished and answered, in whatever order."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumer.jobs import conduct
from consumer.jobs.conduct import HELD_BACK, UNFINISHED_OF_A_TENANT, Known, Send, Stop
from consumer.jobs.job import Answered, Counts, Job, Kind, Missed, Reason, State, Wish
from consumer.webhooks.subscription import Status
from tests.jobs import NOW_MS, asked

WEBHOOKS: Final = ("wh_1", "wh_2")
STARTED: Final = frozenset({State.RUNNING, State.PAUSED})
UNASKED: Final = Answered()


@dataclass(slots=True)
class One:
    """A job, what its endpoint made of it, and what was true of it once."""

    known: Known
    answered: Answered = UNASKED
    was_refused: bool = False
    ended: Job | None = None


class Tenant(RuleBasedStateMachine):
    """One tenant's jobs and webhooks. A delivery's attempt is made, and succeeds or fails, after it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOW_MS
        self.jobs: list[One] = []
        self.statuses: dict[str, Status | None] = dict.fromkeys(WEBHOOKS, Status.ACTIVE)

    @property
    def all(self) -> list[Known]:
        return [one.known for one in self.jobs]

    @rule(
        webhook=st.sampled_from(WEBHOOKS),
        kind=st.sampled_from(Kind),
        wish=st.sampled_from(Wish),
        since_ms=st.integers(0, 8),
        again=st.booleans(),
    )
    def ask(self, webhook: str, kind: Kind, wish: Wish, since_ms: int, again: bool) -> None:
        wanted = asked(
            id=f"job_{len(self.jobs)}",
            webhook=webhook,
            kind=kind,
            wish=wish,
            again=again,
            subject=Missed(since_ms=since_ms, until_ms=9),
        )
        # An id that is known is among the others, too: the role reads what it writes.
        job = conduct.begun(wanted, self.all, self.now_ms)
        self.jobs.append(One(known=Known(asked=wanted, job=job), was_refused=job.state is State.REFUSED))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), wish=st.sampled_from(Wish), knows=st.booleans())
    def wish(self, data: st.DataObject, wish: Wish, knows: bool) -> None:
        one = data.draw(st.sampled_from(self.jobs))
        was, number = one.known, one.known.asked.number + 1
        wanted = replace(was.asked, wish=wish, number=number)
        job = conduct.heard(wanted, was.job, self.all, one.answered if knows else None, self.now_ms)
        assert job.heard == number
        if wish is not Wish.RUN:
            assert job.state is was.job.state or job.state in {State.PAUSED, State.CANCELED}
        one.known = Known(asked=wanted, job=job)

    @precondition(lambda self: self.jobs)
    @rule(
        data=st.data(), share=st.floats(0, 1), knows=st.booleans(), held_ms=st.sampled_from((0, 59_999, 60_000)),
    )  # fmt: skip
    def run(self, data: st.DataObject, share: float, knows: bool, held_ms: int) -> None:
        one = data.draw(st.sampled_from(self.jobs))
        job = one.known.job
        if job.state is not State.RUNNING:
            return
        status = self.statuses[one.known.asked.webhook]
        match conduct.step(job, status=status, answered=one.answered if knows else None, held_ms=held_ms):
            case Send(most=most):
                assert status is Status.ACTIVE
                sent = job.counts.sent + round(most * share)
                job = replace(job, counts=Counts(sent=sent))
            case Stop(state=state, reason=reason):
                assert state in {State.PAUSED, State.FAILED}
                finished = self.now_ms if state is State.FAILED else None
                job = replace(job, state=state, reason=reason, finished_at_ms=finished)
        one.known = replace(one.known, job=job)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), share=st.floats(0, 1), works=st.booleans(), attempts=st.integers(1, 3))
    def try_some(self, data: st.DataObject, share: float, works: bool, attempts: int) -> None:
        one = data.draw(st.sampled_from(self.jobs))
        seen = one.answered
        more = round((one.known.job.counts.sent - seen.tried) * share)
        one.answered = replace(
            seen,
            tried=seen.tried + more,
            attempts=seen.attempts + more * attempts,
            streak=0 if works and more else seen.streak + more * attempts,
        )

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), state=st.sampled_from((State.COUNTED, State.DONE, State.FAILED)))
    def come_to_an_end(self, data: st.DataObject, state: State) -> None:
        one = data.draw(st.sampled_from(self.jobs))
        from_ = State.COUNTING if state is State.COUNTED else State.RUNNING
        if one.known.job.state is from_:
            finished = None if state is State.COUNTED else self.now_ms
            one.known = replace(one.known, job=replace(one.known.job, state=state, finished_at_ms=finished))

    @rule(webhook=st.sampled_from(WEBHOOKS), status=st.none() | st.sampled_from(Status))
    def change_webhook(self, webhook: str, status: Status | None) -> None:
        self.statuses[webhook] = status

    @rule(ms=st.sampled_from((1, 86_400_000)))
    def wait(self, ms: int) -> None:
        self.now_ms += ms

    @invariant()
    def a_job_that_has_ended_stays_as_it_is(self) -> None:
        for one in self.jobs:
            job = one.known.job
            if one.ended is not None:
                assert replace(job, heard=one.ended.heard) == one.ended
            elif job.ended:
                assert job.finished_at_ms is not None
                one.ended = job

    @invariant()
    def one_job_runs_for_a_webhook(self) -> None:
        running = Counter(
            each.asked.webhook for each in self.all if each.job.state in STARTED and each.asked.kind is not Kind.RESEND
        )
        assert all(number == 1 for number in running.values()), running

    @invariant()
    def five_of_a_tenant_are_unfinished_and_resends_stand_beside_them(self) -> None:
        unfinished = [each for each in self.all if not each.job.ended and each.asked.kind is not Kind.RESEND]
        assert len(unfinished) <= UNFINISHED_OF_A_TENANT

    @invariant()
    def a_resend_is_refused_for_the_same_one_only(self) -> None:
        for each in self.all:
            if each.asked.kind is Kind.RESEND and each.job.state is State.REFUSED:
                assert each.job.reason is Reason.SAME_JOB

    @invariant()
    def no_more_is_sent_than_may_be_lost_on_an_endpoint_that_fails(self) -> None:
        for one in self.jobs:
            assert one.known.job.counts.sent - one.answered.tried <= HELD_BACK

    @invariant()
    def what_was_refused_sends_nothing(self) -> None:
        for one in self.jobs:
            if one.was_refused:
                assert one.known.job.state is State.REFUSED
                assert one.known.job.counts.sent == 0
                assert one.known.job.reason is not None

    @invariant()
    def what_sends_has_begun(self) -> None:
        for each in self.all:
            assert each.job.state is not State.RUNNING or each.job.started_at_ms is not None
            assert each.job.state is not State.RUNNING or each.job.reason is None


TestTenant = Tenant.TestCase
TestTenant.settings = settings(stateful_step_count=40)
