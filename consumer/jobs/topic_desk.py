"""The desk on Kafka: wishes on the jobs topic, and what was made of them read back from it.

The law: what came back was heard by the process that runs jobs. What nobody heard in time never begins later, when
nobody waits for it any more: a job is taken back, and a wish to go on as well. One to pause or to cancel stands, for it
only stops.

Jobs have a topic of their own, for it is written in transactions, and one that was left open holds its readers back. So
nothing but jobs waits for it. A job that is known is told as it is known then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Final, Protocol

from consumer.control.barrier import Barrier
from consumer.control.owner import Owner
from consumer.control.topic_store import View, Writer
from consumer.jobs.conduct import AskedJob
from consumer.jobs.desk import JobUnknown, NobodyRuns
from consumer.jobs.directory import Jobs
from consumer.jobs.job import Answered, Asked, State, Wish
from consumer.jobs.record import asked_record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.ends import EndsReader
from consumer.kafka.topic_writer import TopicWriter
from consumer.kafka.topics import Topics
from consumer.kafka.view import TopicView
from consumer.settings import Settings

_HEARD_S: Final = 3.0
_WRITTEN_S: Final = 5.0
_READ_BACK_S: Final = 2.0
_FRESH_S: Final = 2.0
_READ_S: Final = 10.0


class AnsweredReader(Protocol):
    """Who knows what endpoints made of jobs' deliveries."""

    def read(self, ids: Sequence[str]) -> Mapping[str, Answered]:
        """Of these; of those of which nothing is known, or while Redis is away, nothing."""


class TopicDesk:
    """For many threads. `view` follows the jobs topic, `topic`, into `jobs`.

    `fresh(timeout_s)` waits until everything acknowledged before is in `jobs`, or raises KafkaBroken.
    """

    def __init__(
        self,
        topic: str,
        *,
        jobs: Jobs,
        view: View,
        fresh: Callable[[float], None],
        writer: Writer,
        answered: AnsweredReader,
        heard_s: float = _HEARD_S,
    ) -> None:
        """A wish that was not heard within `heard_s` seconds is nobody's."""
        self._topic = topic
        self._jobs = jobs
        self._view = view
        self._fresh = fresh
        self._writer = writer
        self._answered = answered
        self._heard_s = heard_s

    def catch_up(self, within_s: float) -> None:
        """Wait until all is known that was acknowledged before. Raises KafkaBroken: it could not be read in time."""
        self._fresh(within_s)

    def ask(self, asked: Asked) -> AskedJob:
        """Ask for a job, and wait until it was heard of. It may be refused: its state says so.

        One that is there already is returned as it is: an id is asked for again by the same request only.

        Raises:
            NobodyRuns: no role `jobs` is there.
            KafkaBroken: it was not written, or not read back; it may have been.
        """
        if self._jobs.get(asked.id) is None:
            self._write(asked)
        # Whoever was first: another try of the same request may ask at the same time.
        found = self._jobs.get(asked.id)
        if found is None:
            raise KafkaBroken(f"{asked.id} was written, and is not to be read")
        wanted, job = found
        assert _who(wanted) == _who(asked), "two requests asked for one id"
        if job is not None:
            return AskedJob(asked=wanted, job=job)
        if wanted.wish is Wish.CANCEL:  # taken back, before anybody heard of it
            wanted = self._renew(asked.id, asked.wish)
        known = self._jobs.wait_heard(asked.id, wanted.number, self._heard_s)
        return self._taken_back(asked.id) if known is None else known

    def wish(self, owner: Owner, job_id: str, wish: Wish) -> AskedJob:
        """Want something else of a job, and wait until it was heard. One that has ended stays as it is.

        Raises:
            JobUnknown: the owner has no such job.
            NobodyRuns: no role `jobs` is there.
            KafkaBroken: it was not written, or not read back; it may have been.
        """
        known = self.get(owner, job_id)
        if known.job.ended:
            return known
        number = self._renew(job_id, wish).number
        heard = self._jobs.wait_heard(job_id, number, self._heard_s)
        if heard is not None:
            return heard
        if wish is Wish.RUN:
            self._renew(job_id, Wish.COUNT)  # to a job that is there it means: as it is
            raise self._nobody_runs("was taken back")
        raise self._nobody_runs("holds as soon as there is one")

    def get(self, owner: Owner, job_id: str) -> AskedJob:
        """One of the owner's jobs. Refused ones are none. Where the topic cannot be read to its end, as it was before.

        Raises:
            JobUnknown: the owner has no such job.
            KafkaBroken: none is known here, and the topic cannot be read to its end.
        """
        behind = self._behind()
        known = self._jobs.known(job_id)
        if known is not None and known.asked.owner == owner and known.job.state is not State.REFUSED:
            return known
        raise behind or JobUnknown(job_id)

    def page(self, owner: Owner, *, after: str | None, limit: int) -> tuple[list[AskedJob], str | None]:
        """The owner's jobs, the newest first, refused ones left out; and the id to go on after, None at the end.

        Raises:
            KafkaBroken: the topic cannot be read to its end.
        """
        self._fresh(_FRESH_S)
        return self._jobs.page(owner, after=after, limit=limit)

    def answered(self, job_ids: Sequence[str]) -> Mapping[str, Answered]:
        """What endpoints made of these; of those of which nothing is known, or while Redis is away, nothing."""
        return self._answered.read(job_ids)

    def _behind(self) -> KafkaBroken | None:
        """Why something that was acknowledged may not be known here; None where all is."""
        try:
            self._fresh(_FRESH_S)
        except KafkaBroken as error:
            return error
        return None

    def _taken_back(self, job_id: str) -> AskedJob:
        """Nobody has heard of it in time: now it must not begin. What has ended since is as good as any."""
        self._renew(job_id, Wish.CANCEL)
        known = self._jobs.known(job_id)
        if known is not None and known.job.ended and known.job.state is not State.CANCELED:
            return known
        raise self._nobody_runs("was taken back")

    def _renew(self, job_id: str, wish: Wish) -> Asked:
        """Another wish of a job that was asked for. Of two at once the second is wished again, behind the first."""
        while True:
            found = self._jobs.get(job_id)
            if found is None:
                raise JobUnknown(job_id)
            mine = replace(found[0], wish=wish, number=found[0].number + 1)
            if self._write(mine):
                return mine

    def _write(self, asked: Asked) -> bool:
        """Write and wait until it is known here; whether it is a wish, or came behind another of its number."""
        try:
            place = self._writer.write(asked_record(self._topic, asked)).result(_WRITTEN_S)
        except NotYet:
            raise KafkaBroken(f"{asked.id} was not acknowledged within {_WRITTEN_S:g} s") from None
        if not self._view.reached({place.partition: place.offset + 1}, _READ_BACK_S):
            raise KafkaBroken(f"{asked.id} was acknowledged and could not be read back within {_READ_BACK_S:g} s")
        return self._jobs.held(place)

    def _nobody_runs(self, so: str) -> NobodyRuns:
        return NobodyRuns(
            f"no process that runs jobs has heard of it within {self._heard_s:g} s, and it {so}: "
            "start one with `hookline run jobs`"
        )


@contextmanager
def following(settings: Settings, jobs: Jobs, answered: AnsweredReader, writer: Writer) -> Iterator[TopicDesk]:
    """A desk that reads the topic into `jobs` in the background, from its beginning.

    Raises:
        ConfigurationError: the user's Kafka properties contradict those needed.
    """
    topic = Topics.of(settings).jobs
    view = TopicView(settings, topic, jobs)
    barrier = Barrier(EndsReader(settings, (topic,)).read, (view,))
    view.start()
    try:
        yield TopicDesk(topic, jobs=jobs, view=view, fresh=barrier.wait, writer=writer, answered=answered)
    finally:
        barrier.close()
        view.close()


@contextmanager
def opened(settings: Settings, answered: AnsweredReader) -> Iterator[TopicDesk]:
    """A desk for one command, with everything that was asked for until now.

    Raises:
        ConfigurationError: the user's Kafka properties contradict those needed.
        KafkaBroken: the jobs topic could not be read.
    """
    with closing(TopicWriter(settings)) as writer, following(settings, Jobs(), answered, writer) as desk:
        desk.catch_up(_READ_S)
        yield desk


def _who(asked: Asked) -> tuple[Owner, str, str]:
    return asked.owner, asked.webhook, asked.kind
