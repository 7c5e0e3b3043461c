"""How a job goes on: what a wish makes of it, whether it may begin, and how much it may send now. Pure.

The laws:
- a job that has ended stays as it is, whatever is wished;
- one job runs for a webhook, and a tenant has five unfinished ones; a resend stands beside them, for it is short;
- of a tenant's ended jobs the latest ENDED_OF_A_TENANT are kept: every process of the API has all jobs in mind;
- nothing is sent for a webhook that would not take it, and never more than HELD_BACK beyond what was tried: so an
  endpoint that begins to fail gets no more than those, and `deliver` and `retry` hold no more of a job.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from consumer.jobs.job import Answered, Asked, Job, Kind, Reason, State, Wish
from consumer.webhooks.subscription import Status

HELD_BACK: Final = 1_000
FAILED_IN_A_ROW: Final = 20
BEHIND_AFTER_MS: Final = 60_000
UNFINISHED_OF_A_TENANT: Final = 5
ENDED_OF_A_TENANT: Final = 10_000
FORGOTTEN_AFTER_MS: Final = 7 * 86_400_000
"""A job is kept so long after it ended; one that waits for its customer (counted, paused) is canceled after it."""

_WAITS: Final = frozenset({State.COUNTED, State.PAUSED})
_RUNS: Final = frozenset({State.RUNNING, State.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedJob:
    """One job of those there are."""

    asked: Asked
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """So many may be sent now, 0 included: then the job holds back until more were tried."""

    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Nothing may be sent: it pauses, or fails, for this reason."""

    state: State
    reason: Reason


Allowed: TypeAlias = Send | Stop


def begun(asked: Asked, others: Sequence[AskedJob], now_ms: int) -> Job:
    """What becomes of a job that is heard of for the first time. `others` are those of its owner's tenant."""
    fresh = Job(id=asked.id, state=State.COUNTING, heard=asked.number)
    if asked.wish is Wish.CANCEL:
        return replace(fresh, state=State.CANCELED, finished_at_ms=now_ms)
    refused = _refusal(asked, [each for each in others if not each.job.ended and each.asked.id != asked.id])
    if refused is not None:
        reason, other = refused
        return replace(fresh, state=State.REFUSED, reason=reason, other=other, finished_at_ms=now_ms)
    if asked.wish is Wish.COUNT:
        return fresh
    if asked.wish is Wish.PAUSE:
        return replace(fresh, state=State.PAUSED, reason=Reason.BY_HAND)
    return replace(fresh, state=State.RUNNING, started_at_ms=now_ms)


def heard(asked: Asked, job: Job, others: Iterable[AskedJob], answered: Answered | None, now_ms: int) -> Job:
    """What the latest wish makes of it."""
    job = replace(job, heard=asked.number)
    if job.ended:
        return job
    match asked.wish:
        case Wish.CANCEL:
            return replace(job, state=State.CANCELED, reason=None, finished_at_ms=now_ms)
        case Wish.PAUSE:
            return replace(job, state=State.PAUSED, reason=Reason.BY_HAND) if job.state is State.RUNNING else job
        case Wish.COUNT:
            return job
        case Wish.RUN:
            return _set_going(asked, job, others, answered, now_ms)


def allowed(job: Job, *, status: Status | None, answered: Answered | None, held_ms: int) -> Allowed:
    """How much a running job may send. `status` is its webhook's, None: deleted; `answered` None: nobody knows.

    `held_ms`: for how long it has held back, without anything having been tried.
    """
    if status is None:
        return Stop(state=State.FAILED, reason=Reason.WEBHOOK_DELETED)
    if status is not Status.ACTIVE:
        paused = status is Status.PAUSED
        return Stop(state=State.PAUSED, reason=Reason.WEBHOOK_PAUSED if paused else Reason.WEBHOOK_SUSPENDED)
    seen = answered or Answered()
    if min(seen.streak, seen.attempts - job.attempts) >= FAILED_IN_A_ROW:
        return Stop(state=State.PAUSED, reason=Reason.ENDPOINT_FAILS)
    most = max(0, HELD_BACK - (job.counts.sent - seen.tried))
    if most == 0 and answered is not None and held_ms >= BEHIND_AFTER_MS:
        return Stop(state=State.PAUSED, reason=Reason.BEHIND)
    return Send(most=most)


def outlived(asked: Asked, job: Job, now_ms: int) -> bool:
    """Whether a job has waited for its customer for so long that it is canceled, or has ended so long ago."""
    since_ms = job.finished_at_ms or job.started_at_ms or asked.created_at_ms
    return (job.ended or job.state in _WAITS) and now_ms - since_ms >= FORGOTTEN_AFTER_MS


def _set_going(asked: Asked, job: Job, others: Iterable[AskedJob], answered: Answered | None, now_ms: int) -> Job:
    if job.state is State.RUNNING:
        return job
    attempts = answered.attempts if answered is not None else job.attempts
    if job.state is State.PAUSED:
        started = job.started_at_ms if job.started_at_ms is not None else now_ms
        return replace(job, state=State.RUNNING, reason=None, attempts=attempts, started_at_ms=started)
    running = _running(asked, [each for each in others if each.asked.id != asked.id])
    if running is not None:
        return replace(job, reason=Reason.ONE_RUNNING, other=running)
    # From its beginning, and up to where the topics end now: what was counted stands beside what is sent.
    again = replace(job, begins={}, ends={}, position={})
    return replace(again, state=State.RUNNING, reason=None, other=None, started_at_ms=now_ms)


def _refusal(asked: Asked, unfinished: Sequence[AskedJob]) -> tuple[Reason, str | None] | None:
    for each in unfinished:
        if not asked.again and _same(asked, each.asked):
            return Reason.SAME_JOB, each.asked.id
    if asked.kind is Kind.RESEND:
        return None
    if asked.wish is not Wish.COUNT and (running := _running(asked, unfinished)) is not None:
        return Reason.ONE_RUNNING, running
    if sum(each.asked.kind is not Kind.RESEND for each in unfinished) >= UNFINISHED_OF_A_TENANT:
        return Reason.TOO_MANY_JOBS, None
    return None


def _running(asked: Asked, others: Iterable[AskedJob]) -> str | None:
    """The job that runs for the same webhook, or has begun to."""
    if asked.kind is Kind.RESEND:
        return None
    for each in others:
        if each.asked.webhook == asked.webhook and each.job.state in _RUNS and each.asked.kind is not Kind.RESEND:
            return each.asked.id
    return None


def _same(one: Asked, other: Asked) -> bool:
    return (one.owner, one.webhook, one.kind, one.subject) == (other.owner, other.webhook, other.kind, other.subject)
