"""What stands in the way of a job, or of sending one again: which answer it becomes.

The law: each has a code that never changes its meaning, a row in one table, and where another job is in the way, that
one's id. Pure.
"""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from consumer.api.problem import Refusal, not_found, unavailable
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Job, Reason, Skip, State, Wish
from consumer.jobs.reasons import TABLE
from consumer.webhooks.subscription import Status

NO_WEBHOOK: Final = "there is no such webhook: list the webhooks to see which there are"


class Hindrance(StrEnum):
    """Why not. Those of a refused job are `Reason`s too."""

    ALREADY_DELIVERED = "already_delivered"
    ALREADY_RESENT = "already_resent"
    REPLAY_LIMIT = "replay_limit"
    WAITING = "waiting"
    WEBHOOK_PAUSED = "webhook_paused"
    WEBHOOK_SUSPENDED = "webhook_suspended"
    SAME_JOB = "same_job"
    ONE_RUNNING = "one_running"
    TOO_MANY_JOBS = "too_many_jobs"
    NOT_COUNTED = "not_counted"
    NOT_STARTED = "not_started"
    JOB_PAUSED = "job_paused"
    JOB_ENDED = "job_ended"


SAID: Final[Mapping[Hindrance, str]] = {
    Hindrance.ALREADY_DELIVERED: "It was accepted. Ask with `again` if it is to be sent once more.",
    Hindrance.ALREADY_RESENT: "It was sent again before. Ask with `again` if it is to be sent once more.",
    Hindrance.REPLAY_LIMIT: "It was sent again as often as may be.",
    Hindrance.WAITING: "It is on its way: an attempt of it is still to come.",
    Hindrance.WEBHOOK_PAUSED: "The webhook is paused: nothing is sent to it. Resume it first.",
    Hindrance.WEBHOOK_SUSPENDED: "The webhook is suspended: nothing is sent to it. Mend the endpoint and resume it.",
    Hindrance.SAME_JOB: TABLE[Reason.SAME_JOB].detail,
    Hindrance.ONE_RUNNING: TABLE[Reason.ONE_RUNNING].detail,
    Hindrance.TOO_MANY_JOBS: TABLE[Reason.TOO_MANY_JOBS].detail,
    Hindrance.NOT_COUNTED: "The job is still counted. Start it when its state is counted.",
    Hindrance.NOT_STARTED: "The job was counted, and not started. Start it, or cancel it.",
    Hindrance.JOB_PAUSED: "The job was started, and is paused. Resume it, or cancel it.",
    Hindrance.JOB_ENDED: "The job has ended: nothing more comes of it. Ask for a new one.",
}
"""What is said of each: docs/log.md has them."""

_OF_A_WEBHOOK: Final = {
    Status.PAUSED: Hindrance.WEBHOOK_PAUSED,
    Status.SUSPENDED: Hindrance.WEBHOOK_SUSPENDED,
}
_OF_A_SKIP: Final = {
    Skip.ALREADY_REPLAYED: Hindrance.ALREADY_RESENT,
    Skip.REPLAY_LIMIT: Hindrance.REPLAY_LIMIT,
    Skip.DELIVERED: Hindrance.ALREADY_DELIVERED,
    Skip.WAITING: Hindrance.WAITING,
}
_GONE: Final = "what was sent is kept no longer, or cannot be told from others: publish the event anew"


def conflict(why: Hindrance, *, job: str | None = None) -> Refusal:
    """It cannot be done as things are: 409."""
    return Refusal(HTTPStatus.CONFLICT, SAID[why], code=why.value, job=job)


def of_refused(known: AskedJob) -> Refusal:
    """Of a job that was refused."""
    reason = known.job.reason
    assert reason in {Reason.SAME_JOB, Reason.ONE_RUNNING, Reason.TOO_MANY_JOBS}, reason
    return conflict(Hindrance(reason.value), job=known.job.other)


def of_status(status: Status) -> Refusal | None:
    """Of a webhook that is sent nothing."""
    why = _OF_A_WEBHOOK.get(status)
    return None if why is None else conflict(why)


def gone() -> Refusal:
    """What was sent cannot be had any more: 410."""
    return Refusal(HTTPStatus.GONE, _GONE)


def of_wish(wish: Wish, job: Job) -> Refusal | None:
    """Why a job cannot become what is wished, if it cannot."""
    if job.ended:
        return None if wish is Wish.CANCEL and job.state is State.CANCELED else conflict(Hindrance.JOB_ENDED)
    match wish, job.state:
        case Wish.PAUSE, State.COUNTING | State.COUNTED:
            return conflict(Hindrance.NOT_STARTED)
        case _:
            return None


def of_start(job: Job) -> Refusal | None:
    """Why a job cannot be started, if it cannot. One that runs was."""
    match job.state:
        case State.COUNTING:
            return conflict(Hindrance.NOT_COUNTED)
        case State.PAUSED:
            return conflict(Hindrance.JOB_PAUSED)
        case _:
            return of_wish(Wish.RUN, job)


def of_resumption(job: Job) -> Refusal | None:
    """Why a job cannot be resumed, if it cannot. One that runs goes on."""
    match job.state:
        case State.COUNTING | State.COUNTED:
            return conflict(Hindrance.NOT_STARTED)
        case _:
            return of_wish(Wish.RUN, job)


def of_resend(job: Job) -> Refusal | None:
    """Why the one delivery of a job was not sent; None where it was, or where it is still to come."""
    match job.state:
        case State.DONE if job.counts.sent == 0:
            skipped = [Skip(reason) for reason, number in job.counts.skipped.items() if number and reason in {*Skip}]
            why = next((_OF_A_SKIP[each] for each in skipped if each in _OF_A_SKIP), None)
            return gone() if why is None else conflict(why)
        case State.CANCELED:
            return conflict(Hindrance.JOB_ENDED)
        case State.PAUSED | State.FAILED:
            return _of_reason(job.reason)
        case _:
            return None


def _of_reason(reason: Reason | None) -> Refusal:
    match reason:
        case Reason.WEBHOOK_PAUSED:
            return conflict(Hindrance.WEBHOOK_PAUSED)
        case Reason.WEBHOOK_SUSPENDED:
            return conflict(Hindrance.WEBHOOK_SUSPENDED)
        case Reason.WEBHOOK_DELETED:
            return not_found(NO_WEBHOOK)
        case _:
            return unavailable("it was not sent, for an error of ours: try again, and report it if that fails")
