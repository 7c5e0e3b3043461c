"""One delivery sent again, or tried now, and its result beside it."""

from dataclasses import dataclass
from typing import Final

from consumer.api.job_asking import JobAsker
from consumer.api.job_refusals import Hindrance
from consumer.api.problem import Refusal
from consumer.api.resend_now import resent_now
from consumer.control.resend_now import AlreadyDelivered
from consumer.control.work import Work
from consumer.jobs.desk import JobUnknown
from consumer.jobs.job import Kind
from consumer.log.attempt_id import attempt_id
from consumer.log.query import Query, View
from consumer.log.resource import attempt_detail
from consumer.portal import jobs_page, logs
from consumer.portal.answering import Done
from consumer.portal.bodies import Body, body_of
from consumer.portal.job_view import JobView
from consumer.portal.log_rows import Answered, LogRow, answered, duration, log_row
from consumer.portal.told import Attempt, Explanation, attempt_told
from consumer.portal.visit import Visit

JOB: Final = "job"
TRIED: Final = "tried"
_CHECKED: Final = "1"
_AGAIN: Final = frozenset({Hindrance.ALREADY_DELIVERED, Hindrance.ALREADY_RESENT})
"""What stands in the way only until it is asked for all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The answer to an attempt that was made now. `body` is None where it may not be seen, or none came."""

    accepted: bool
    answer: Answered
    duration: str
    body: Body | None
    why: Explanation | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it: a job with what it made, an attempt, or why neither. `again`: where to ask all the same."""

    job: JobView | None = None
    made: tuple[LogRow, ...] = ()
    tried: Tried | None = None
    hindered: str | None = None
    again: str | None = None
    again_key: str = "delivery.again_all_the_same"


def resend(visit: Visit, work: Work) -> Done | Result:
    """Send it again; or why it was not."""
    webhook, delivery = _named(visit)
    asker = JobAsker(services=visit.services, caller=visit.caller, work=work)
    try:
        known = asker.resend(delivery, webhook, again=visit.form.get("again") == _CHECKED)
    except Refusal as refusal:
        if refusal.code is None:
            raise
        return _hindered(visit, Hindrance(refusal.code), "resend", "delivery.again_all_the_same")
    return Done(then=f"webhooks/{webhook}/deliveries/{delivery}", pairs=((JOB, known.asked.id),), made=known.asked.id)


def try_now(visit: Visit, _work: Work) -> Done | Result:
    """Make one attempt and wait for its answer; or why that was not done."""
    webhook, delivery = _named(visit)
    again = visit.form.get("again") == _CHECKED
    try:
        kept = resent_now(visit.services, visit.owner, delivery, webhook, again=again)
    except AlreadyDelivered:
        return _hindered(visit, Hindrance.ALREADY_DELIVERED, "now", "delivery.now_all_the_same")
    made = kept.attempt.delivery_id
    tried = attempt_id(partition=kept.partition, offset=kept.offset, delivery_id=made)
    return Done(then=f"webhooks/{webhook}/deliveries/{delivery}", pairs=((TRIED, tried),))


def result_of(visit: Visit) -> Result | None:
    """What the address says that was done with this delivery."""
    if tried := visit.query.get(TRIED):
        kept = logs.kept(visit, tried)
        if kept.attempt.subscription_id != visit.params["webhook"]:
            return None
        return Result(tried=_tried(visit, attempt_told(attempt_detail(kept, logs.sight(visit)))))
    if not (id_ := visit.query.get(JOB)):
        return None
    try:
        known = jobs_page.job(visit, id_)
    except JobUnknown:
        return None
    if (known.asked.webhook, known.asked.kind) != (visit.params["webhook"], Kind.RESEND):
        return None
    return Result(job=jobs_page.seen(visit, known), made=_made(visit, known.job.made))


def _named(visit: Visit) -> tuple[str, str]:
    """The webhook, which is the session's, and the delivery. Raises WebhookUnknown."""
    return visit.webhook(visit.params["webhook"]).id, visit.params["delivery"]


def _hindered(visit: Visit, why: Hindrance, path: str, key: str) -> Result:
    again = visit.url(f"webhooks/{visit.params['webhook']}/deliveries/{visit.params['delivery']}/{path}")
    return Result(hindered=f"hindered.{why}", again=again if why in _AGAIN else None, again_key=key)


def _made(visit: Visit, ids: tuple[str, ...]) -> tuple[LogRow, ...]:
    """The new deliveries, as far as the log lists them yet."""
    if not ids:
        return ()
    webhook = visit.params["webhook"]
    query = Query(webhooks=frozenset({webhook}), deliveries=frozenset(ids))
    rows = logs.rows(visit, View.DELIVERIES, query, limit=len(ids)).rows
    known, sight = logs.known(visit, [webhook]), logs.sight(visit)
    return tuple(log_row(row, View.DELIVERIES, sight, known, visit.url) for row in rows)


def _tried(visit: Visit, told: Attempt) -> Tried:
    body = None
    if told.response is not None:
        body = body_of(told.response, raw=False, page_url=visit.url(visit.path), download_url=None)
    return Tried(
        accepted=told.outcome == "delivered",
        answer=answered(told.status, told.failure, told.reason if told.failure is None else None),
        duration=duration(told.elapsed_ms),
        body=body,
        why=told.explanation,
        url=visit.url(f"attempts/{told.id}"),
    )
