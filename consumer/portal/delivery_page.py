"""One delivery: what happened, try after try, what follows, and what comes of it when it is sent again."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.api.problem import Refusal
from consumer.control.keys import Scope
from consumer.control.work import Work
from consumer.delivery.delivery import DeadLetter, is_delivery_id
from consumer.log.entry import Trigger
from consumer.log.query import Query, View
from consumer.log.resource import delivery_told
from consumer.portal import logs, pills, sending_one
from consumer.portal.answering import Done, page
from consumer.portal.delivery_story import Story, given_up, tried
from consumer.portal.log_rows import LogRow, Tries, most_tries
from consumer.portal.names import Named, named
from consumer.portal.pills import Pill, Tone
from consumer.portal.sending_one import Result, result_of
from consumer.portal.stopped import decide_of
from consumer.portal.timeline import Timeline
from consumer.portal.times import Moment, moment_or_none
from consumer.portal.told import Explanation, delivery_of
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.replay.filters import Filters
from consumer.webhooks.subscription import Status, Subscription

_ATTEMPTS_MOST: Final = 100
_STATUS: Final = {
    "delivered": Pill(tone=Tone.OK, key="ended.delivered"),
    "retrying": Pill(tone=Tone.WARN, key="ended.retrying"),
    "failed": Pill(tone=Tone.BAD, key="ended.failed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """The page. `resent` are the same event's other deliveries to this webhook, `others` those to others.

    `resend` and `now` are where it is sent again: None where it cannot be, or not by this session. `decide` is where it
    is said what is to become of it, while it has stopped its key.
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
    decide: str | None
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
    query = Query(deliveries=frozenset({id_}), webhooks=frozenset({webhook}))
    rows = logs.rows(visit, View.ATTEMPTS, query, limit=_ATTEMPTS_MOST).rows
    of = visit.webhook_if_any(webhook)
    if rows:
        story = tried(visit, delivery_of(delivery_told(rows, logs.sight(visit))))
    else:
        story = given_up(visit, _dead(visit, id_, webhook))
    view = _view(visit, story, of, result)
    return page(visit, "delivery.html", view, title=words().say("delivery.title"), tab="log", status=status)


def _view(visit: Visit, story: Story, of: Subscription | None, result: Result | None) -> DeliveryView:
    trigger = story.trigger.upper()
    actions = _actions(visit, of, story.id)
    return DeliveryView(
        id=story.id,
        type=story.type,
        event_id=story.event_id,
        status=_STATUS[story.status],
        status_word=story.status,
        trigger=pills.of_trigger(Trigger[trigger]) if trigger in Trigger.__members__ else None,
        tries=Tries(number=story.attempts, most=most_tries(of, logs.sight(visit))),
        first=moment_or_none(story.first_ms, visit.now_ms),
        next=moment_or_none(story.next_ms, visit.now_ms),
        overdue=story.overdue,
        webhook=None if of is None else named(of),
        webhook_id=story.webhook,
        webhook_url=None if of is None else visit.url(f"webhooks/{of.id}"),
        timeline=story.timeline,
        why=story.why,
        resent=tuple(row for row in story.others if row.webhook_id == story.webhook),
        others=tuple(row for row in story.others if row.webhook_id != story.webhook),
        log_url=visit.url("log"),
        job_url=None if story.job is None else visit.url(f"jobs/{story.job}"),
        resend=actions.resend,
        now=actions.now,
        decide=decide_of(visit, of, story.id),
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
