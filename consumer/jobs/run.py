"""One job's way through its source: candidates taken, planned and counted, a batch at a time.

The laws:
- a batch is to be written together with the job as it is after it. So a job that was killed at any point is as far as
  what it sent: every candidate is sent or skipped once, and counted once;
- counts add up: matched = sent + skipped. Only `looked` may be a little short after a kill, never below matched;
- of what is counted first nothing is sent, and what is skipped is the same.

A batch with a record that is too large for its topic is planned again, one by one, and that record ends as skipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from consumer.jobs.candidate import Candidate, Source, Taken
from consumer.jobs.job import SAMPLE, TYPES, Counts, Job, Sampled, Skip, State
from consumer.jobs.plan import Plan, Planner
from consumer.replay.plan import Planned

MOST_TAKEN: Final = 100
"""Candidates in mind at once; each may be of some megabytes."""
_BATCH_BYTES: Final = 8 * 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is to be written together: deliveries, none perhaps, and the job as it is once they are."""

    planned: Sequence[Planned]
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class _At:
    """How far it came. `held` are candidates of `taken` that are in no batch, each with the position behind it.

    `told`: so many of what `taken` looked at are counted already.
    """

    job: Job
    held: tuple[tuple[Candidate, Mapping[tuple[str, int], int]], ...] = ()
    taken: Taken | None = None
    told: int = 0


class Run:
    """A job that counts or sends. Belongs to one thread.

    After each `turn` comes `written` or `refused`, before the next one; or nothing more.
    """

    def __init__(self, job: Job, source: Source, planner: Planner) -> None:
        assert job.state in {State.COUNTING, State.RUNNING}
        self._source = source
        self._planner = planner
        # Who goes on with a job still knows where it began.
        begins = job.begins or dict(source.begins)
        self._at = self._before = _At(job=replace(job, begins=begins, ends=dict(source.ends)))
        self._planned = 0
        self._last_sent = 0
        self._alone = 0

    @property
    def job(self) -> Job:
        """How far it came; the last of it may not be written yet."""
        return self._at.job

    def turn(self, most: int, wait_s: float, now_ms: int) -> Batch:
        """At most `most` deliveries, after looking for at most `wait_s` seconds where no candidate is at hand.

        Raises:
            TooMany, KafkaBroken: see `candidate.Source.take`.
        """
        at = self._at
        if at.taken is None:
            taken = self._source.take(min(most, MOST_TAKEN), wait_s)
            at = replace(at, taken=taken, held=tuple(zip(taken.candidates, taken.positions, strict=True)))
        self._before = at
        job, planned, size, done = at.job, list[Planned](), 0, 0
        room = 1 if self._alone else most
        for candidate, _ in at.held:
            if len(planned) == room or size >= _BATCH_BYTES:
                break
            done += 1
            plan = self._planner.plan(candidate, now_ms)
            job = _counted(job, candidate, plan)
            if isinstance(plan, Planned) and job.state is State.RUNNING:
                planned.append(plan)
                self._last_sent = done - 1
                size += len(plan.delivery.body or b"") + len(plan.delivery.event.data)
        self._planned = len(planned)
        self._at = _moved(replace(at, job=job), done, now_ms)
        return Batch(planned=planned, job=self.job)

    def written(self) -> None:
        """The last batch is written, and the generations say so."""
        self._alone = max(0, self._alone - self._planned)
        if self.job.state not in {State.COUNTING, State.COUNTED}:
            self._planner.settled()

    def refused(self) -> None:
        """The last batch was not written, for one of its records is too large for its topic."""
        self._planner.settled()
        at = self._before
        if self._planned == 1:
            at = _too_large(at, self._last_sent)
        self._alone = self._planned if self._planned > 1 else max(0, self._alone - 1)
        self._at = at

    def heard(self, job: Job) -> None:
        """A wish was heard, and what it made of `self.job` is written: it leaves the job where it was."""
        self._at = replace(self._at, job=job)

    def close(self) -> None:
        """Leave the source."""
        self._source.close()


def _too_large(at: _At, number: int) -> _At:
    """This one of those held is skipped when it is planned again."""
    candidate, position = at.held[number]
    skipped = replace(candidate, skip=Skip.PAYLOAD_LEFT_OUT)
    return replace(at, held=(*at.held[:number], (skipped, position), *at.held[number + 1 :]))


def _moved(at: _At, done: int, now_ms: int) -> _At:
    """Behind the first `done` of what is held; behind all that was looked at where nothing is held any more."""
    assert at.taken is not None
    if done < len(at.held):
        position = at.held[done - 1][1]
        job = replace(_looked(at.job, done), position=dict(position))
        return replace(at, job=job, held=at.held[done:], told=at.told + done)
    taken = at.taken
    job = replace(_looked(at.job, max(done, taken.looked - at.told)), position=dict(taken.position))
    if taken.reached_ms is not None:
        job = replace(job, reached_ms=taken.reached_ms)
    if taken.finished and job.state is State.COUNTING:
        job = replace(job, state=State.COUNTED)
    elif taken.finished:
        job = replace(job, state=State.DONE, finished_at_ms=now_ms)
    return _At(job=job)


def _looked(job: Job, number: int) -> Job:
    counts = _counts_of(job)
    return _with_counts(job, replace(counts, looked=counts.looked + number))


def _counted(job: Job, candidate: Candidate, plan: Plan) -> Job:
    """The job after one more candidate."""
    counts = _counts_of(job)
    # A count's sample goes when the run's begins.
    sample = job.sample if counts.matched else ()
    counts = replace(counts, matched=counts.matched + 1)
    if not isinstance(plan, Planned):
        skipped = {**counts.skipped, plan: counts.skipped.get(plan, 0) + 1}
        return _with_counts(replace(job, sample=sample), replace(counts, skipped=skipped))
    if len(sample) < SAMPLE:
        sample = (*sample, _sampled(candidate))
    types = _by_type(counts.types, candidate.event.type)
    counts = replace(counts, raced=counts.raced + candidate.raced, types=types)
    if job.state is State.COUNTING:
        return _with_counts(replace(job, sample=sample), counts)
    counts = replace(counts, sent=counts.sent + 1)
    made = (*job.made, plan.delivery.id) if counts.sent <= SAMPLE else ()
    return _with_counts(replace(job, sample=sample, made=made), counts)


def _by_type(types: Mapping[str, int], event_type: str) -> Mapping[str, int]:
    """One more of this type, where it is one of those that are told."""
    if event_type not in types and len(types) == TYPES:
        return types
    return {**types, event_type: types.get(event_type, 0) + 1}


def _counts_of(job: Job) -> Counts:
    return (job.counted or Counts()) if job.state is State.COUNTING else job.counts


def _with_counts(job: Job, counts: Counts) -> Job:
    return replace(job, counted=counts) if job.state is State.COUNTING else replace(job, counts=counts)


def _sampled(candidate: Candidate) -> Sampled:
    event = candidate.event
    return Sampled(event_id=event.id, event_type=event.type, at_ms=candidate.at_ms, delivery=candidate.delivery)
