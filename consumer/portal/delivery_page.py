"""One delivery: what happened, try after try, what follows, and what comes of it when it is sent again."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.api.problem import Refusal
from consumer.control.keys import Scope
from consumer.control.work import Work
from consumer.delivery.delivery import DeadLetter, is_delivery_id
from consumer.kafka.client import KafkaBroken
from consumer.kafka.picking import NotKept
from consumer.log.archive import AttemptUnknown
from consumer.log.entry import Trigger
from consumer.log.query import Query, View
from consumer.log.resource import attempt_detail, delivery_told, explanation_of_dead
from consumer.log.resource import told as told_explanation
from consumer.portal import logs, pills, sending_one
from consumer.portal.answering import Done, page
from consumer.portal.log_rows import LogRow, Tries, log_row, most_tries, ms_of
from consumer.portal.names import Named, named
from consumer.portal.pills import Pill, Tone
from consumer.portal.sending_one import Result, result_of
from consumer.portal.timeline import Timeline, timeline
from consumer.portal.times import Moment, moment_or_none
from consumer.portal.told import Attempt, Delivery, Explanation, attempt_told, delivery_of, explanation_of
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.replay.filters import Filters
from consumer.shares import Busy
from consumer.webhooks.subscription import Status, Subscription

_ATTEMPTS_MOST: Final = 100
_OTHERS_MOST: Final = 10
_STATUS: Final = {
    "delivered": Pill(tone=Tone.OK, key="ended.delivered"),
    "retrying": Pill(tone=Tone.WARN, key="ended.retrying"),
    "failed": Pill(tone=Tone.BAD, key="ended.failed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """The page. `resent` are the same event's other deliveries to this webhook, `others` those to others.

    `resend` and `now` are where it is sent again: None where it cannot be, or not by this session.
    """

    id: str
    type: str
    event_id: str
    status: Pill
    status_word: str
    trigger: Pill | None
    tries: Tries
    first: Moment | None
    next: Moment | None
    overdue: bool
    webhook: Named | None
    webhook_id: str
    webhook_url: str | None
    timeline: Timeline
    why: Explanation | None
    resent: tuple[LogRow, ...]
    others: tuple[LogRow, ...]
    log_url: str
    job_url: str | None
    resend: str | None
    now: str | None
    inactive: str | None
    result: Result | None


def show(visit: Visit) -> Response:
    """The page."""
    return _page(visit, result_of(visit))


def resend(visit: Visit, work: Work) -> Done | Response:
    """Send it again."""
    return _outcome(visit, sending_one.resend(visit, work))


def try_now(visit: Visit, work: Work) -> Done | Response:
    """Try it now, and wait for the answer."""
    return _outcome(visit, sending_one.try_now(visit, work))


def _outcome(visit: Visit, outcome: Done | Result) -> Done | Response:
    return outcome if isinstance(outcome, Done) else _page(visit, outcome, HTTPStatus.CONFLICT)


def _page(visit: Visit, result: Result | None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    id_, webhook = visit.params["delivery"], visit.params["webhook"]
    if not is_delivery_id(id_):
        raise _unknown()
    sight = logs.sight(visit)
    query = Query(deliveries=frozenset({id_}), webhooks=frozenset({webhook}))
    rows = logs.rows(visit, View.ATTEMPTS, query, limit=_ATTEMPTS_MOST).rows
    of = visit.webhook_if_any(webhook)
    if rows:
        view = _view(visit, delivery_of(delivery_told(rows, sight)), of, result)
    else:
        view = _given_up(visit, _dead(visit, id_, webhook), of, result)
    return page(visit, "delivery.html", view, title=words().say("delivery.title"), tab="log", status=status)


def _view(visit: Visit, told: Delivery, of: Subscription | None, result: Result | None) -> DeliveryView:
    now_ms, known = visit.now_ms, Trigger.__members__
    latest, due_ms = _latest(visit, told)
    next_ms = ms_of(told.next_attempt_at)
    others = _others(visit, told)
    actions = _actions(visit, of, told.id)
    return DeliveryView(
        id=told.id,
        type=told.type,
        event_id=told.event_id,
        status=_STATUS[told.status],
        status_word=told.status,
        trigger=pills.of_trigger(Trigger[told.trigger.upper()]) if told.trigger.upper() in known else None,
        tries=Tries(number=told.attempts, most=most_tries(of, logs.sight(visit))),
        first=moment_or_none(ms_of(told.first_attempt_at), now_ms),
        next=moment_or_none(next_ms, now_ms),
        overdue=bool(told.overdue),
        webhook=None if of is None else named(of),
        webhook_id=told.webhook,
        webhook_url=None if of is None else visit.url(f"webhooks/{told.webhook}"),
        timeline=timeline(
            told.attempts_kept,
            latest,
            due_ms,
            next_ms=next_ms,
            late=bool(told.overdue),
            address=visit.url,
            now_ms=now_ms,
        ),
        why=told.explanation,
        resent=tuple(row for row in others if row.webhook_id == told.webhook),
        others=tuple(row for row in others if row.webhook_id != told.webhook),
        log_url=visit.url("log"),
        job_url=None if told.job is None else visit.url(f"jobs/{told.job}"),
        resend=actions.resend,
        now=actions.now,
        inactive=actions.inactive,
        result=result,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Actions:
    resend: str | None
    now: str | None
    inactive: str | None


def _actions(visit: Visit, of: Subscription | None, id_: str) -> _Actions:
    """What may be done. To a webhook that is sent nothing, one attempt may still be made."""
    if of is None or not visit.may(Scope.REPLAY):
        return _Actions(resend=None, now=None, inactive=None)
    active = of.status is Status.ACTIVE
    base = f"webhooks/{of.id}/deliveries/{id_}"
    return _Actions(
        resend=visit.url(f"{base}/resend") if active else None,
        now=visit.url(f"{base}/now"),
        inactive=None if active else f"delivery.inactive.{of.status}",
    )


def _latest(visit: Visit, told: Delivery) -> tuple[Attempt | None, int | None]:
    """Its latest attempt, whole, and when the delivery became due; of what is kept no longer, or not at hand, None."""
    try:
        kept = logs.kept(visit, told.attempts_kept[-1].id)
    except (AttemptUnknown, NotKept, Busy, KafkaBroken):
        return None, None
    return attempt_told(attempt_detail(kept, logs.sight(visit))), kept.attempt.first_due_ms


def _others(visit: Visit, told: Delivery) -> tuple[LogRow, ...]:
    """What became of the same event elsewhere: for other webhooks, or sent again."""
    query = Query(events=frozenset({told.event_id}))
    found = logs.rows(visit, View.DELIVERIES, query, limit=_OTHERS_MOST + 1).rows
    others = [row for row in found if row.entry.delivery != told.id][:_OTHERS_MOST]
    known, sight = logs.known(visit, (row.webhook for row in others)), logs.sight(visit)
    return tuple(log_row(row, View.DELIVERIES, sight, known, visit.url) for row in others)


def _given_up(visit: Visit, dead: DeadLetter, of: Subscription | None, result: Result | None) -> DeliveryView:
    """What was given up without an attempt that the log still lists."""
    delivery = dead.delivery
    actions = _actions(visit, of, delivery.id)
    return DeliveryView(
        id=delivery.id,
        type=delivery.event.type,
        event_id=delivery.event.id,
        status=_STATUS["failed"],
        status_word="failed",
        trigger=None,
        tries=Tries(number=delivery.attempts, most=most_tries(of, logs.sight(visit))),
        first=moment_or_none(delivery.first_attempt_ms, visit.now_ms),
        next=None,
        overdue=False,
        webhook=None if of is None else named(of),
        webhook_id=delivery.subscription_id,
        webhook_url=None if of is None else visit.url(f"webhooks/{of.id}"),
        timeline=timeline((), None, None, next_ms=None, late=False, address=visit.url, now_ms=visit.now_ms),
        why=explanation_of(told_explanation(explanation_of_dead(dead))),
        resent=(),
        others=(),
        log_url=visit.url("log"),
        job_url=None,
        resend=actions.resend,
        now=actions.now,
        inactive=actions.inactive,
        result=result,
    )


def _dead(visit: Visit, id_: str, webhook: str) -> DeadLetter:
    owner = visit.owner
    filters = Filters(
        ids=frozenset({id_}),
        webhooks=frozenset({webhook}),
        tenants=frozenset({owner.tenant}),
        brands=frozenset({owner.brand}),
    )
    found = next(iter(visit.services.dead_letters.found(owner.tenant, filters)), None)
    if found is None:
        raise _unknown()
    if visit.session.grant.product is not None:
        visit.webhook(webhook)
    return found


def _unknown() -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, "there is no such delivery")
