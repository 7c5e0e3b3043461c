"""One delivery: what happened, try after try, and what follows."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.api.problem import Refusal
from consumer.control.refusal import WebhookUnknown
from consumer.delivery.delivery import DeadLetter, is_delivery_id
from consumer.log.entry import Trigger
from consumer.log.query import Query, View
from consumer.log.resource import delivery_told, explanation_of_dead
from consumer.log.resource import told as told_explanation
from consumer.portal import logs, pills
from consumer.portal.answering import page
from consumer.portal.log_rows import Answered, LogRow, Tries, answered, duration, log_row, most_tries, ms_of
from consumer.portal.names import Named, named
from consumer.portal.pills import Pill, Tone
from consumer.portal.times import Moment, moment, moment_or_none, span
from consumer.portal.told import AttemptRow, Delivery, Explanation, delivery_of, explanation_of
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.replay.filters import Filters
from consumer.webhooks.subscription import Subscription

_ATTEMPTS_MOST: Final = 100
_OTHERS_MOST: Final = 10
_STATUS: Final = {
    "delivered": Pill(tone=Tone.OK, key="ended.delivered"),
    "retrying": Pill(tone=Tone.WARN, key="ended.retrying"),
    "failed": Pill(tone=Tone.BAD, key="ended.failed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One of its attempts. `waited` is how long after the one before it was made."""

    url: str
    number: int
    answer: Answered
    duration: str
    at: Moment
    waited: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """The page. `took` is the time from the first to the last try."""

    id: str
    type: str
    event_id: str
    status: Pill
    status_word: str
    trigger: Pill | None
    tries: Tries
    took: str | None
    first: Moment | None
    next: Moment | None
    overdue: bool
    webhook: Named | None
    webhook_id: str
    webhook_url: str | None
    attempts: tuple[Try, ...]
    why: Explanation | None
    others: tuple[LogRow, ...]
    log_url: str


def show(visit: Visit) -> Response:
    """The page."""
    id_, webhook = visit.params["delivery"], visit.params["webhook"]
    if not is_delivery_id(id_):
        raise _unknown()
    sight = logs.sight(visit)
    query = Query(deliveries=frozenset({id_}), webhooks=frozenset({webhook}))
    rows = logs.rows(visit, View.ATTEMPTS, query, limit=_ATTEMPTS_MOST).rows
    of = _webhook(visit, webhook)
    if rows:
        view = _view(visit, delivery_of(delivery_told(rows, sight)), of)
    else:
        view = _given_up(visit, _dead(visit, id_, webhook), of)
    return page(visit, "delivery.html", view, title=words().say("delivery.title"), tab="log")


def _view(visit: Visit, told: Delivery, of: Subscription | None) -> DeliveryView:
    now_ms = visit.now_ms
    at = [ms_of(each.at) or 0 for each in told.attempts_kept]
    first_ms = ms_of(told.first_attempt_at)
    took_ms = None if first_ms is None else at[-1] - first_ms
    known = Trigger.__members__
    return DeliveryView(
        id=told.id,
        type=told.type,
        event_id=told.event_id,
        status=_STATUS[told.status],
        status_word=told.status,
        trigger=pills.of_trigger(Trigger[told.trigger.upper()]) if told.trigger.upper() in known else None,
        tries=Tries(number=told.attempts, most=most_tries(of, logs.sight(visit))),
        took=span(took_ms) if took_ms else None,
        first=moment_or_none(first_ms, now_ms),
        next=moment_or_none(ms_of(told.next_attempt_at), now_ms),
        overdue=told.overdue,
        webhook=None if of is None else named(of),
        webhook_id=told.webhook,
        webhook_url=None if of is None else visit.url(f"webhooks/{told.webhook}"),
        attempts=tuple(
            _try(visit, each, at[number], at[number - 1] if number else None)
            for number, each in enumerate(told.attempts_kept)
        ),
        why=told.explanation,
        others=_others(visit, told),
        log_url=visit.url("log"),
    )


def _try(visit: Visit, told: AttemptRow, at_ms: int, before_ms: int | None) -> Try:
    return Try(
        url=visit.url(f"attempts/{told.id}"),
        number=told.number,
        answer=answered(told.status, told.failure, told.reason),
        duration=duration(told.elapsed_ms),
        at=moment(at_ms, visit.now_ms),
        waited=None if before_ms is None else span(at_ms - before_ms),
    )


def _others(visit: Visit, told: Delivery) -> tuple[LogRow, ...]:
    """What became of the same event elsewhere: for other webhooks, or sent again."""
    query = Query(events=frozenset({told.event_id}))
    found = logs.rows(visit, View.DELIVERIES, query, limit=_OTHERS_MOST + 1).rows
    others = [row for row in found if row.entry.delivery != told.id][:_OTHERS_MOST]
    known, sight = logs.known(visit, (row.webhook for row in others)), logs.sight(visit)
    return tuple(log_row(row, View.DELIVERIES, sight, known, visit.url) for row in others)


def _given_up(visit: Visit, dead: DeadLetter, of: Subscription | None) -> DeliveryView:
    """What was given up without an attempt that the log still lists."""
    delivery = dead.delivery
    return DeliveryView(
        id=delivery.id,
        type=delivery.event.type,
        event_id=delivery.event.id,
        status=_STATUS["failed"],
        status_word="failed",
        trigger=None,
        tries=Tries(number=delivery.attempts, most=most_tries(of, logs.sight(visit))),
        took=None,
        first=moment_or_none(delivery.first_attempt_ms, visit.now_ms),
        next=None,
        overdue=False,
        webhook=None if of is None else named(of),
        webhook_id=delivery.subscription_id,
        webhook_url=None if of is None else visit.url(f"webhooks/{of.id}"),
        attempts=(),
        why=explanation_of(told_explanation(explanation_of_dead(dead))),
        others=(),
        log_url=visit.url("log"),
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


def _webhook(visit: Visit, id_: str) -> Subscription | None:
    try:
        return visit.webhook(id_)
    except WebhookUnknown:
        return None


def _unknown() -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, "there is no such delivery")
