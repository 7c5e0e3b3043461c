"""What the owner of a webhook is told when a job of it has ended: the event `job.finished`. Pure.

The law: it is written together with the job's end, so it is told exactly when the job has ended. It is told of
replays and recoveries that were started: of a resend, or of a count, whoever asked for it has the answer.
"""

import msgspec

from consumer.brands.brand import JOB_FINISHED
from consumer.events.event import Event
from consumer.jobs.job import Asked, Job, Kind, State
from consumer.json import Json
from consumer.signing.timestamps import rfc3339


def told(asked: Asked, job: Job, product: str | None) -> Event | None:
    """The event, if the job has ended and this is told; `product` is that of its webhook."""
    started_ms, finished_ms = job.started_at_ms, job.finished_at_ms
    if asked.kind is Kind.RESEND or job.state is State.REFUSED or started_ms is None or finished_ms is None:
        return None
    data: dict[str, Json] = {
        "id": job.id,
        "kind": asked.kind.value,
        "webhook": asked.webhook,
        "state": job.state.value,
        "reason": None if job.reason is None else job.reason.value,
        "matched": job.counts.matched,
        "sent": job.counts.sent,
        "skipped": dict(job.counts.skipped),
        "startedAt": rfc3339(started_ms),
        "finishedAt": rfc3339(finished_ms),
    }
    return Event(
        id=f"finished-{job.id}",
        type=JOB_FINISHED,
        tenant=asked.owner.tenant,
        product=product,
        time_ms=finished_ms,
        data=msgspec.json.encode(data),
        topic="",
        partition=0,
        offset=0,
        timestamp_ms=0,
    )
