"""The desk on a topic in memory, and the process that runs jobs, as far as `conduct` says what becomes of a wish."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

from consumer.control.owner import Owner
from consumer.control.topic_store import View
from consumer.jobs import conduct
from consumer.jobs.conduct import AskedJob
from consumer.jobs.directory import Jobs
from consumer.jobs.job import Answered, Asked, Counts, Job, Reason, State, Wish
from consumer.jobs.record import forgotten, job_record
from consumer.jobs.topic_desk import TopicDesk
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from tests.memory_topic import NOW_MS, MemoryTopic, MemoryView

PATIENCE_S: Final = 0.05
"""Nobody hears later than at once."""


class MemoryRole:
    """Runs the jobs of a topic: it hears every wish, and goes on with a job when a test says so."""

    def __init__(self, topic: MemoryTopic) -> None:
        self.jobs = Jobs()
        self.now_ms = NOW_MS
        self.answers: dict[str, Answered] = {}
        self._topic = topic
        self._view = MemoryView(topic, self.jobs)

    def hear(self) -> None:
        """Hear all that was wished until now."""
        for asked, job in self._unheard():
            others = self.jobs.unfinished(asked.owner.tenant)
            if job is None:
                self.write(conduct.begun(asked, others, self.now_ms))
            else:
                self.write(conduct.heard(asked, job, others, self.answers.get(asked.id), self.now_ms))
            self._read()

    def go_on(self, job_id: str, state: State, *, counts: Counts | None = None, reason: Reason | None = None) -> Job:
        """The job came to this state, and so far; None: no further than before."""
        self._read()
        known = self.jobs.known(job_id)
        assert known is not None
        came = replace(known.job, state=state, counts=counts or known.job.counts, reason=reason)
        job = replace(came, finished_at_ms=self.now_ms) if came.ended else came
        self.write(job)
        return job

    def forget(self, job_id: str) -> None:
        """The job ended long ago."""
        for each in forgotten("state", job_id):
            self._topic.write(each)

    def write(self, job: Job) -> None:
        self._topic.write(job_record("state", job))

    def _unheard(self) -> list[tuple[Asked, Job | None]]:
        self._read()
        return self.jobs.unheard()

    def _read(self) -> None:
        self._view.reached({0: len(self._topic.records)}, 0)


class MemoryJobs:
    """One process's desk: see `jobs.desk.Desk`. Without a `role` nobody runs jobs.

    `view` follows the topic into `jobs`, and is at its end before each call, as behind the barrier. `asked` and
    `wished` are what came over it, in order.
    """

    def __init__(self, topic: MemoryTopic, jobs: Jobs, view: View, *, heard_s: float = PATIENCE_S) -> None:
        self.role: MemoryRole | None = MemoryRole(topic)
        self.answers: dict[str, Answered] = {}
        self.away = False
        self.asked: list[Asked] = []
        self.wished: list[tuple[str, Wish]] = []
        self._topic = topic
        self._view = view
        self._desk = TopicDesk("state", jobs=jobs, view=self, writer=self, answered=self, heard_s=heard_s)

    def ask(self, asked: Asked) -> AskedJob:
        self.asked.append(asked)
        self._catch_up()
        return self._desk.ask(asked)

    def wish(self, owner: Owner, job_id: str, wish: Wish) -> AskedJob:
        self.wished.append((job_id, wish))
        self._catch_up()
        return self._desk.wish(owner, job_id, wish)

    def get(self, owner: Owner, job_id: str) -> AskedJob:
        self._catch_up()
        return self._desk.get(owner, job_id)

    def page(self, owner: Owner, *, after: str | None, limit: int) -> tuple[list[AskedJob], str | None]:
        self._catch_up()
        return self._desk.page(owner, after=after, limit=limit)

    def answered(self, job_ids: Sequence[str]) -> Mapping[str, Answered]:
        return self._desk.answered(job_ids)

    def write(self, record: NewRecord) -> "Future[Place]":
        """As the desk's writer: the role hears of it before the desk waits."""
        written = self._topic.write(record)
        if self.role is not None:
            self.role.hear()
        return written

    def reached(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        """As the desk's view: what the role wrote meanwhile is there, too."""
        del positions, timeout_s
        self._catch_up()
        return True

    def read(self, ids: Sequence[str]) -> Mapping[str, Answered]:
        """As the desk's reader of answers; nothing while Redis is `away`."""
        return {} if self.away else {each: self.answers[each] for each in ids if each in self.answers}

    def _catch_up(self) -> None:
        self._view.reached({0: len(self._topic.records)}, 0)


def desk_on(topic: MemoryTopic) -> tuple[MemoryJobs, Jobs]:
    """One process's desk, with its own directory."""
    jobs = Jobs()
    return MemoryJobs(topic, jobs, MemoryView(topic, jobs)), jobs
