"""A job as JSON: what the API answers and the command line prints. Pure.

The laws:
- what is not known is null: what endpoints made of it while nobody can say;
- a job that has not ended is never told as whole, and time left is told only of one that could go on.
"""

import math
from typing import Final

from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Answered, Asked, Chosen, Counts, Job, Matching, Missed, Sampled, State
from consumer.jobs.reasons import told
from consumer.json import Json
from consumer.log.resource import told_failure
from consumer.signing.timestamps import rfc3339

_NEARLY: Final = 0.999
"""The most that is told of what has not ended."""


def shown(known: AskedJob, answered: Answered | None, now_ms: int) -> dict[str, Json]:
    """One job. `answered` None: nobody knows what endpoints made of it."""
    asked, job = known.asked, known.job
    reason = None if job.reason is None else told(job.reason)
    since_ms, until_ms = _span(asked)
    progress = _progress(asked, job)
    return {
        "id": asked.id,
        "object": "job",
        "kind": asked.kind.value,
        "webhook": asked.webhook,
        "filter": _filter(asked),
        "since": _time(since_ms),
        "until": _time(until_ms),
        "again": asked.again,
        "ratePerS": asked.rate_per_s,
        "state": job.state.value,
        "reason": None if reason is None else reason.code,
        "detail": None if reason is None else reason.detail,
        "other": job.other,
        "counts": _counts(job.counts, Answered() if job.counts.sent == 0 else answered),
        "counted": None if job.counted is None else _counts(job.counted, Answered()),
        "reachedAt": _time(job.reached_ms),
        "progress": round(progress, 3),
        "remainingSeconds": _remaining_s(asked, job, progress, now_ms),
        "sample": [_sampled(each) for each in job.sample],
        "made": list(job.made),
        "createdBy": asked.created_by,
        "createdAt": rfc3339(asked.created_at_ms),
        "startedAt": _time(job.started_at_ms),
        "finishedAt": _time(job.finished_at_ms),
    }


def _filter(asked: Asked) -> Json:
    """What was asked for beside the span, by the names that it is asked for with."""
    match asked.subject:
        case Chosen(spots=spots):
            return {"deliveries": len(spots)}
        case Missed(types=types):
            return {"types": list(types)}
        case Matching() as matching:
            reasons = {told_failure(each) for each in matching.reasons}
            return {
                "status": [*sorted(matching.statuses)],
                "code": [*sorted(matching.codes)],
                "reason": [*sorted(reasons)],
                "type": list(matching.types),
            }


def _span(asked: Asked) -> tuple[int | None, int | None]:
    match asked.subject:
        case Chosen():
            return None, None
        case Missed(since_ms=since_ms, until_ms=until_ms) | Matching(since_ms=since_ms, until_ms=until_ms):
            return since_ms, until_ms


def _counts(counts: Counts, answered: Answered | None) -> dict[str, Json]:
    """`failing` are those that were tried, not accepted, and will be tried again."""
    seen: dict[str, Json] = {"delivered": None, "failing": None, "failed": None}
    if answered is not None:
        failing = max(0, answered.tried - answered.delivered - answered.failed)
        seen = {"delivered": answered.delivered, "failing": failing, "failed": answered.failed}
    skipped: Json = {reason: number for reason, number in sorted(counts.skipped.items()) if number}
    frequent = sorted(counts.types.items(), key=lambda each: (-each[1], each[0]))
    types: Json = {name: number for name, number in frequent}  # noqa: C416 # dict() would not be known to be Json
    return {
        "looked": counts.looked,
        "matched": counts.matched,
        "sent": counts.sent,
        "raced": counts.raced,
        **seen,
        "skipped": skipped,
        "types": types,
    }


def _sampled(sampled: Sampled) -> Json:
    return {
        "delivery": sampled.delivery,
        "eventId": sampled.event_id,
        "type": sampled.event_type,
        "at": rfc3339(sampled.at_ms),
    }


def _progress(asked: Asked, job: Job) -> float:
    """How far it is, 0 to 1, with its count while it counts and with sending from then on."""
    if job.state in {State.DONE, State.COUNTED}:
        return 1.0
    return min(max(_measure(asked, job), 0.0), _NEARLY)


def _measure(asked: Asked, job: Job) -> float:
    match asked.subject:
        case Chosen(spots=spots):
            return job.counts.looked / max(1, len(spots))
        case Missed(since_ms=since_ms, until_ms=until_ms):
            return _between(since_ms, job.reached_ms, until_ms)
        case Matching():
            counted = None if job.state is State.COUNTING else job.counted
            return _read(job) if counted is None else job.counts.looked / max(1, counted.looked)


def _read(job: Job) -> float:
    """How much of its topics it has read, of all that they held for it when it began."""
    there = sum(end - job.begins.get(place, end) for place, end in job.ends.items())
    left = sum(end - job.position.get(place, job.begins.get(place, end)) for place, end in job.ends.items())
    return (there - left) / max(1, there)


def _between(since_ms: int, at_ms: int | None, until_ms: int) -> float:
    return 0.0 if at_ms is None else (at_ms - since_ms) / max(1, until_ms - since_ms)


def _remaining_s(asked: Asked, job: Job, progress: float, now_ms: int) -> int | None:
    """How long it takes from now on: what is left at its rate, where the number is known, else as it went so far."""
    if job.state not in {State.COUNTING, State.COUNTED, State.RUNNING}:
        return None
    left = _left(asked, job)
    if left is not None:
        return math.ceil(left / asked.rate_per_s)
    if not progress:
        return None
    began_ms = asked.created_at_ms if job.started_at_ms is None else job.started_at_ms
    return math.ceil(max(0, now_ms - began_ms) / 1_000 * (1 - progress) / progress)


def _left(asked: Asked, job: Job) -> int | None:
    """How many are still to be sent, as far as it was counted, or was said."""
    if job.state is State.COUNTING:
        return None
    if job.counted is not None:
        counted = job.counted
        return max(0, counted.matched - sum(counted.skipped.values()) - job.counts.sent)
    match asked.subject:
        case Chosen(spots=spots):
            return max(0, len(spots) - job.counts.looked)
        case _:
            return None


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
