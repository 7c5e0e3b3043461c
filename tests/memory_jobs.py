"""Jobs in memory: the desk on a topic in memory, and a role that makes of a job what a test says.

What a wish is worth, who may see a job and what is taken back is decided by the code that runs: `TopicDesk`, `conduct`
and the directory. A test decides what the role does with a job, whether there is one, and who is away.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

from consumer.control.owner import Owner
from consumer.jobs import conduct
from consumer.jobs.conduct import AskedJob
from consumer.jobs.directory import Jobs
from consumer.jobs.job import Answered, Asked, Chosen, Counts, Job, Kind, Reason, State, Wish
from consumer.jobs.record import asked_record, forgotten, job_record
from consumer.jobs.topic_desk import TopicDesk
from consumer.kafka.topic_writer import Place as Written
from consumer.kafka.writing import NewRecord
from consumer.replay.plan import Place
from tests.memory_topic import NOW_MS, MemoryTopic, MemoryView

_TOPIC: Final = "jobs"
_PATIENCE_S: Final = 0.05
"""Nobody hears later than at once."""


def at_once(known: AskedJob) -> Job:
    """A role that counts and sends everything before anybody looks: one of each job, or all that were named."""
    job, subject = known.job, known.asked.subject
    number = len(subject.spots) if isinstance(subject, Chosen) else 1
    match job.state:
        case State.COUNTING:
            counts = Counts(looked=number, matched=number)
            return replace(job, state=State.COUNTED, counted=counts)
        case State.RUNNING:
            counts = Counts(looked=number, matched=number, sent=number)
            made = ("0" * 32,) if number == 1 else ()
            return replace(job, state=State.DONE, counts=counts, made=made, finished_at_ms=NOW_MS)
        case _:
            return job


def idle(known: AskedJob) -> Job:
    """A role that has heard of it, and got no further."""
    return known.job


class MemoryDesk:
    """See `jobs.desk.Desk`. `role` does a job whenever it was heard of, and `later` whenever it is looked at.

    `running`: whether there is a role. `away` is raised instead of an answer. `made_of` is what endpoints made of jobs,
    and nobody knows it while Redis is away. `wishes` are what came over this desk, in order.
    """

    def __init__(self, role: Callable[[AskedJob], Job] = at_once, *, topic: MemoryTopic | None = None) -> None:
        self.role = role
        self.later: Callable[[AskedJob], Job] = idle
        self.running = True
        self.away: Exception | None = None
        self.redis_away = False
        self.wishes: list[tuple[str, Wish]] = []
        self.made_of: dict[str, Answered] = {}
        self.pages = 0
        self.jobs = Jobs()
        self._topic = MemoryTopic() if topic is None else topic
        self._view = MemoryView(self._topic, self.jobs)
        self._hearing = threading.Lock()
        self.desk = TopicDesk(
            _TOPIC,
            jobs=self.jobs,
            view=self,
            fresh=lambda _: self._catch_up(),
            writer=self,
            answered=self,
            heard_s=_PATIENCE_S,
        )

    @property
    def known(self) -> dict[str, AskedJob]:
        """All jobs that are any, the oldest first."""
        self._catch_up()
        return {each.asked.id: each for each in self.jobs.all() if each.job.state is not State.REFUSED}

    def nobody(self) -> None:
        """No role runs."""
        self.running = False

    def ask(self, asked: Asked) -> AskedJob:
        self._answer()
        self.wishes.append((asked.id, asked.wish))
        return self.desk.ask(asked)

    def wish(self, owner: Owner, job_id: str, wish: Wish) -> AskedJob:
        self.get(owner, job_id)
        self.wishes.append((job_id, wish))
        return self.desk.wish(owner, job_id, wish)

    def get(self, owner: Owner, job_id: str) -> AskedJob:
        self._answer()
        known = self.desk.get(owner, job_id)
        came = self.later(known)
        if came != known.job:
            self.became(came)
        return AskedJob(asked=known.asked, job=came)

    def page(self, owner: Owner, *, after: str | None, limit: int) -> tuple[list[AskedJob], str | None]:
        self._answer()
        self.pages += 1
        return self.desk.page(owner, after=after, limit=limit)

    def answered(self, job_ids: Sequence[str]) -> Mapping[str, Answered]:
        return self.desk.answered(job_ids)

    def put(self, owner: Owner, webhook: str = "wh_1", *, state: State = State.RUNNING, **changed: object) -> str:
        """A job in this state, asked for after those that were put before. Returns its id."""
        number = len(self.known)
        fields: dict[str, object] = {
            "id": f"job_{number:028x}",
            "owner": owner,
            "webhook": webhook,
            "kind": Kind.REPLAY,
            "subject": Chosen(spots=()),
            "most": 10,
            "place": Place.BEFORE,
            "created_by": "key",
            "created_at_ms": NOW_MS + number,
            "wish": Wish.RUN,
        }
        job = {name: changed.pop(name) for name in tuple(changed) if name in Job.__dataclass_fields__ and name != "id"}
        asked = Asked(**{**fields, **changed})  # type: ignore[arg-type] # a builder
        made = Job(**{"id": asked.id, "state": state, "heard": 1, **job})  # type: ignore[arg-type] # same
        self._topic.write(asked_record(_TOPIC, asked))
        self.became(made)
        return asked.id

    def hear(self) -> None:
        """As the role: hear all that was wished until now."""
        with self._hearing:
            for asked, job in self._unheard():
                others = self.jobs.unfinished(asked.owner.tenant)
                if job is None:
                    came = conduct.begun(asked, others, NOW_MS)
                else:
                    came = conduct.heard(asked, job, others, self.made_of.get(asked.id), NOW_MS)
                refused = came.state is State.REFUSED
                self.became(came if refused else self.role(AskedJob(asked=asked, job=came)))

    def go_on(self, job_id: str, state: State, *, counts: Counts | None = None, reason: Reason | None = None) -> Job:
        """As the role: the job came to this state, and so far; None: no further than before."""
        job = self.known[job_id].job
        came = replace(job, state=state, counts=counts or job.counts, reason=reason)
        came = replace(came, finished_at_ms=NOW_MS) if came.ended else came
        self.became(came)
        return came

    def became(self, job: Job) -> None:
        """As the role: this became of it."""
        self._topic.write(job_record(_TOPIC, job))
        self._catch_up()

    def forget(self, *job_ids: str) -> None:
        """As the role: these ended long ago."""
        for each in (each for job_id in job_ids for each in forgotten(_TOPIC, job_id)):
            self._topic.write(each)
        self._catch_up()

    def write(self, record: NewRecord) -> "Future[Written]":
        """As the desk's writer: the role hears of it before the desk waits."""
        written = self._topic.write(record)
        if self.running:
            self.hear()
        return written

    def reached(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        """As the desk's view: what the role wrote meanwhile is there, too."""
        del positions, timeout_s
        self._catch_up()
        return True

    def read(self, ids: Sequence[str]) -> Mapping[str, Answered]:
        """As the desk's reader of what endpoints made of jobs."""
        return {} if self.redis_away else {each: self.made_of[each] for each in ids if each in self.made_of}

    def _unheard(self) -> list[tuple[Asked, Job | None]]:
        self._catch_up()
        return self.jobs.unheard()

    def _catch_up(self) -> None:
        self._view.reached({0: len(self._topic.records)}, 0)

    def _answer(self) -> None:
        if self.away is not None:
            raise self.away
        self._catch_up()
