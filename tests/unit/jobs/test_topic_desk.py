"""The desk: what was asked for is heard of once, taken back where nobody hears it, and told to its owner only."""

from dataclasses import replace

import pytest

from consumer.control.owner import Owner
from consumer.jobs.desk import Desk, JobUnknown, NobodyRuns
from consumer.jobs.directory import Jobs
from consumer.jobs.job import Answered, Asked, Counts, Job, Missed, Reason, State, Wish
from consumer.jobs.record import asked_record, job_record
from consumer.jobs.topic_desk import TopicDesk
from consumer.kafka.client import KafkaBroken
from consumer.kafka.writing import NewRecord
from tests.jobs import ACME, asked
from tests.memory_jobs import MemoryDesk, idle
from tests.memory_topic import MemoryTopic, MemoryView

OTHERS = (Owner(tenant="umbrella", brand="hookline"), Owner(tenant="acme", brand="convo"))


@pytest.fixture
def topic() -> MemoryTopic:
    return MemoryTopic()


@pytest.fixture
def desk(topic: MemoryTopic) -> MemoryDesk:
    return MemoryDesk(idle, topic=topic)


def wishes(topic: MemoryTopic) -> list[tuple[int, Wish]]:
    """Those that were written, in order."""
    jobs, found = Jobs(), []
    for record in topic.records:
        if (record.key or b"").startswith(b"job-asked:"):
            jobs.forget()
            jobs.apply(record)
            held = jobs.get("job_1")
            assert held is not None
            found.append((held[0].number, held[0].wish))
    return found


def test_a_job_that_is_heard_of_is_returned_as_it_stands(desk: MemoryDesk) -> None:
    known = desk.ask(asked())
    assert (known.asked, known.job.state, known.job.heard) == (asked(), State.RUNNING, 1)
    assert desk.get(ACME, "job_1") == known
    assert desk.page(ACME, after=None, limit=5) == ([known], None)


def test_a_refused_job_says_why_and_is_none_to_its_owner(desk: MemoryDesk) -> None:
    desk.ask(asked())
    refused = desk.ask(asked(id="job_2")).job
    assert (refused.state, refused.reason, refused.other) == (State.REFUSED, Reason.SAME_JOB, "job_1")
    with pytest.raises(JobUnknown):
        desk.get(ACME, "job_2")
    with pytest.raises(JobUnknown):
        desk.wish(ACME, "job_2", Wish.RUN)
    assert [each.asked.id for each in desk.page(ACME, after=None, limit=5)[0]] == ["job_1"]


def test_a_job_is_its_owners_alone(desk: MemoryDesk) -> None:
    desk.ask(asked())
    for owner in OTHERS:
        with pytest.raises(JobUnknown):
            desk.get(owner, "job_1")
        with pytest.raises(JobUnknown):
            desk.wish(owner, "job_1", Wish.CANCEL)
        assert desk.page(owner, after=None, limit=5) == ([], None)
    assert desk.get(ACME, "job_1").job.state is State.RUNNING


def test_a_request_that_is_tried_again_asks_for_one_job(desk: MemoryDesk, topic: MemoryTopic) -> None:
    first = asked(subject=Missed(since_ms=1, until_ms=2))
    known = desk.ask(first)
    desk.go_on("job_1", State.DONE, counts=Counts(sent=3))
    # Another try has another clock.
    again = desk.ask(replace(first, subject=Missed(since_ms=1, until_ms=9), created_at_ms=first.created_at_ms + 5))
    assert (again.asked, again.job.state) == (first, State.DONE)
    assert known.asked == first
    assert wishes(topic) == [(1, Wish.RUN)]


def test_one_id_for_two_owners_is_a_bug(desk: MemoryDesk) -> None:
    desk.ask(asked())
    with pytest.raises(AssertionError):
        desk.ask(asked(owner=OTHERS[0]))


def test_two_tries_at_once_ask_for_one_job(desk: MemoryDesk, topic: MemoryTopic) -> None:
    other = MemoryDesk(idle, topic=topic)
    topic.before_write = lambda: other.ask(asked())
    known = desk.ask(asked())
    assert (known.job.heard, other.get(ACME, "job_1")) == (1, known)
    assert [each.asked.id for each in desk.page(ACME, after=None, limit=5)[0]] == ["job_1"]


def test_what_nobody_hears_of_is_taken_back_and_never_begins(desk: MemoryDesk, topic: MemoryTopic) -> None:
    desk.nobody()
    with pytest.raises(NobodyRuns, match=r"taken back: start one with `hookline run jobs`"):
        desk.ask(asked())
    assert wishes(topic) == [(1, Wish.RUN), (2, Wish.CANCEL)]
    with pytest.raises(JobUnknown):
        desk.get(ACME, "job_1")
    desk.hear()
    job = desk.get(ACME, "job_1").job
    assert (job.state, job.started_at_ms) == (State.CANCELED, None)


def test_what_was_taken_back_before_anybody_heard_of_it_can_be_asked_for_again(
    desk: MemoryDesk, topic: MemoryTopic
) -> None:
    desk.nobody()
    with pytest.raises(NobodyRuns):
        desk.ask(asked(wish=Wish.COUNT))
    desk.running = True
    assert desk.ask(asked(wish=Wish.COUNT)).job.state is State.COUNTING
    assert wishes(topic)[-1] == (3, Wish.COUNT)


def test_what_was_heard_of_and_taken_back_stays_canceled(desk: MemoryDesk, topic: MemoryTopic) -> None:
    desk.nobody()
    with pytest.raises(NobodyRuns):
        desk.ask(asked())
    desk.hear()
    desk.running = True
    assert desk.ask(asked()).job.state is State.CANCELED
    assert wishes(topic) == [(1, Wish.RUN), (2, Wish.CANCEL)]


class Late(MemoryDesk):
    """A desk whose role hears of a job when it is taken back, and has done it by then."""

    def hear(self) -> None:
        for wanted, job in self._unheard():
            if wanted.wish is Wish.CANCEL and job is None:
                self.became(Job(id=wanted.id, state=State.DONE, heard=1))


def test_what_was_done_while_it_was_taken_back_was_done(topic: MemoryTopic) -> None:
    assert Late(topic=topic).ask(asked()).job.state is State.DONE


@pytest.mark.parametrize(
    ("wish", "state"), [(Wish.PAUSE, State.PAUSED), (Wish.CANCEL, State.CANCELED), (Wish.RUN, State.RUNNING)]
)
def test_a_wish_is_returned_as_it_was_heard(desk: MemoryDesk, wish: Wish, state: State) -> None:
    desk.ask(asked())
    known = desk.wish(ACME, "job_1", wish)
    assert (known.asked.number, known.asked.wish, known.job.state, known.job.heard) == (2, wish, state, 2)


def test_a_wish_that_was_had_before_is_one_again(desk: MemoryDesk) -> None:
    """A job that paused by itself goes on only when somebody wants so after that."""
    desk.ask(asked())
    desk.go_on("job_1", State.PAUSED, reason=Reason.ENDPOINT_FAILS)
    assert desk.wish(ACME, "job_1", Wish.RUN).job.state is State.RUNNING


@pytest.mark.parametrize("state", [State.DONE, State.CANCELED, State.FAILED])
def test_of_a_job_that_has_ended_nothing_is_wished(desk: MemoryDesk, topic: MemoryTopic, state: State) -> None:
    desk.ask(asked())
    job = desk.go_on("job_1", state)
    desk.nobody()
    assert desk.wish(ACME, "job_1", Wish.RUN).job == job
    assert wishes(topic) == [(1, Wish.RUN)]


def test_two_wishes_at_once_are_both_heard(desk: MemoryDesk, topic: MemoryTopic) -> None:
    other = MemoryDesk(idle, topic=topic)
    desk.ask(asked())
    topic.before_write = lambda: other.wish(ACME, "job_1", Wish.PAUSE)
    known = desk.wish(ACME, "job_1", Wish.CANCEL)
    assert (known.job.state, known.job.heard) == (State.CANCELED, 3)
    assert wishes(topic) == [(1, Wish.RUN), (2, Wish.PAUSE), (2, Wish.CANCEL), (3, Wish.CANCEL)]


def test_a_wish_to_go_on_that_nobody_hears_starts_nothing_later(desk: MemoryDesk) -> None:
    desk.ask(asked(wish=Wish.COUNT))
    desk.nobody()
    with pytest.raises(NobodyRuns, match="was taken back"):
        desk.wish(ACME, "job_1", Wish.RUN)
    desk.hear()
    assert desk.get(ACME, "job_1").job.state is State.COUNTING


def test_a_wish_to_go_on_that_was_taken_back_leaves_a_job_as_it_is(desk: MemoryDesk) -> None:
    desk.ask(asked())
    desk.nobody()
    with pytest.raises(NobodyRuns):
        desk.wish(ACME, "job_1", Wish.RUN)
    desk.go_on("job_1", State.PAUSED, reason=Reason.BEHIND)
    desk.hear()
    job = desk.get(ACME, "job_1").job
    assert (job.state, job.reason) == (State.PAUSED, Reason.BEHIND)


@pytest.mark.parametrize(("wish", "state"), [(Wish.PAUSE, State.PAUSED), (Wish.CANCEL, State.CANCELED)])
def test_a_wish_to_stop_that_nobody_hears_is_heard_later(desk: MemoryDesk, wish: Wish, state: State) -> None:
    desk.ask(asked())
    desk.nobody()
    with pytest.raises(NobodyRuns, match="holds as soon as there is one"):
        desk.wish(ACME, "job_1", wish)
    desk.hear()
    assert desk.get(ACME, "job_1").job.state is state


def test_a_job_that_is_forgotten_is_unknown(desk: MemoryDesk) -> None:
    desk.ask(asked())
    desk.go_on("job_1", State.DONE)
    desk.forget("job_1")
    with pytest.raises(JobUnknown):
        desk.get(ACME, "job_1")


def test_a_job_that_cannot_be_read_back_was_not_asked_for(desk: MemoryDesk, topic: MemoryTopic) -> None:
    topic.write(
        NewRecord(topic="jobs", key=job_record("jobs", Job(id="job_1", state=State.DONE, heard=1)).key, value=b"odd")
    )
    with pytest.raises(KafkaBroken, match="not to be read"):
        desk.ask(asked())


class Deaf(MemoryView):
    """A view that does not come so far."""

    def reached(self, *_: object) -> bool:
        return False

    def behind(self, _: float) -> None:
        raise KafkaBroken("jobs could not be read to its end")


def test_what_cannot_be_read_back_is_said_so(topic: MemoryTopic) -> None:
    jobs, deaf = Jobs(), Deaf(topic)
    desk = TopicDesk("jobs", jobs=jobs, view=deaf, fresh=deaf.behind, writer=topic, answered=MemoryDesk())
    with pytest.raises(KafkaBroken, match="acknowledged and could not be read back"):
        desk.ask(asked())


def test_while_the_topic_cannot_be_read_to_its_end_what_is_known_is_told_and_nothing_else(topic: MemoryTopic) -> None:
    jobs, deaf = Jobs(), Deaf(topic)
    desk = TopicDesk("jobs", jobs=jobs, view=deaf, fresh=deaf.behind, writer=topic, answered=MemoryDesk())
    for new in (asked_record("jobs", asked()), job_record("jobs", Job(id="job_1", state=State.RUNNING, heard=1))):
        topic.write(new)
    for record in topic.records:
        jobs.apply(record)
    assert desk.get(ACME, "job_1").job.state is State.RUNNING
    for owner, job_id in ((ACME, "job_2"), (OTHERS[0], "job_1")):
        with pytest.raises(KafkaBroken, match="to its end"):
            desk.get(owner, job_id)
    with pytest.raises(KafkaBroken, match="to its end"):
        desk.page(ACME, after=None, limit=5)


def test_answers_are_those_of_the_reader(desk: MemoryDesk) -> None:
    desk.made_of["job_1"] = Answered(tried=3)
    assert desk.answered(["job_1", "job_2"]) == {"job_1": Answered(tried=3)}
    desk.redis_away = True
    assert desk.answered(["job_1"]) == {}


def takes(desk: Desk) -> Desk:
    return desk


def test_the_memory_desk_is_a_desk(desk: MemoryDesk) -> None:
    assert takes(desk) is desk
    assert takes(desk.desk) is desk.desk


def test_the_jobs_topic_gets_what_was_asked_for_as_it_is(desk: MemoryDesk, topic: MemoryTopic) -> None:
    wanted: Asked = asked()
    desk.ask(wanted)
    new = asked_record("jobs", wanted)
    assert (topic.records[0].topic, topic.records[0].key, topic.records[0].value) == (new.topic, new.key, new.value)
