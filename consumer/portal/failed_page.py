"""Deliveries that failed for good: from the dead letters, complete for as long as those are kept."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from consumer.control.cursor import CursorInvalid, list_name
from consumer.control.keys import Scope
from consumer.delivery.delivery import DeadLetter
from consumer.delivery.outcome import DeathReason
from consumer.log.resource import explanation_of_dead
from consumer.portal import logs
from consumer.portal.answering import page, see
from consumer.portal.log_page import Option
from consumer.portal.log_rows import Answered, Tries, answered, most_tries
from consumer.portal.names import Named, named, shortened
from consumer.portal.times import Moment, moment
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.replay.filters import Filters
from consumer.webhooks.subscription import Subscription

ON_A_PAGE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRow:
    """One of them. `key` names it in a form."""

    url: str
    key: str
    type: str
    event_id: str
    reason: str
    why: str
    last: Answered | None
    tries: Tries
    webhook: Named | None
    webhook_id: str
    webhook_url: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedList:
    """A page of them. `partly`: it looked at a part of what is kept, and found nothing.

    `again_url` is where those that are selected are sent again; None: this session may not.
    """

    rows: tuple[FailedRow, ...]
    reasons: tuple[Option, ...]
    given: bool
    action: str
    clear_url: str
    partly: bool
    first_url: str | None
    next_url: str | None
    again_url: str | None


def show(visit: Visit) -> Response:
    """The page."""
    wanted = visit.query.get("reason")
    reason = wanted if wanted in {*DeathReason} else ""
    filters = _filters(visit, reason)
    of = list_name("portal failed", [reason])
    cursors, place = visit.services.cursors, visit.query.get("cursor")
    try:
        pairs = cursors.read(place, list[tuple[int, int]], owner=visit.owner, of=of) if place else []
    except CursorInvalid:
        return see(visit.url("failed"))
    found = visit.services.dead_letters.page(visit.owner.tenant, filters, after=dict(pairs), limit=ON_A_PAGE)
    known = logs.known(visit, (each.delivery.subscription_id for each in found.found))
    kept = [("reason", reason)] if reason else []
    then = None
    if found.position is not None:
        then = cursors.write(sorted(found.position.items()), owner=visit.owner, of=of)
    view = FailedList(
        rows=tuple(_row(visit, each, known.get(each.delivery.subscription_id)) for each in found.found),
        reasons=tuple(
            Option(value=each, label=words().say(f"reason.{each}"), chosen=each == reason) for each in DeathReason
        ),
        given=bool(reason),
        action=visit.url("failed"),
        clear_url=visit.url("failed"),
        partly=found.position is not None and not found.found,
        first_url=visit.url("failed", kept) if place else None,
        next_url=None if then is None else visit.url("failed", [*kept, ("cursor", then)]),
        again_url=visit.url("log/resend") if visit.may(Scope.REPLAY) else None,
    )
    return page(visit, "failed.html", view, title=words().say("failed.title"), tab="failed")


def _filters(visit: Visit, reason: str) -> Filters:
    owner, narrowed = visit.owner, visit.narrowed()
    return Filters(
        tenants=frozenset({owner.tenant}),
        brands=frozenset({owner.brand}),
        webhooks=frozenset() if narrowed is None else narrowed or frozenset({"-"}),
        reasons=frozenset({reason} if reason else ()),
    )


def _row(visit: Visit, dead: DeadLetter, of: Subscription | None) -> FailedRow:
    delivery, why = dead.delivery, explanation_of_dead(dead)
    status = delivery.last_status
    return FailedRow(
        url=visit.url(f"webhooks/{delivery.subscription_id}/deliveries/{delivery.id}"),
        key=f"{delivery.subscription_id}/{delivery.id}",
        type=shortened(delivery.event.type),
        event_id=delivery.event.id,
        reason=f"reason.{dead.reason}" if dead.reason in {*DeathReason} else "reason.other",
        why="" if why is None else why.title,
        last=None if status is None else answered(status, None, None),
        tries=Tries(number=delivery.attempts, most=most_tries(of, logs.sight(visit))),
        webhook=None if of is None else named(of),
        webhook_id=delivery.subscription_id,
        webhook_url=visit.url(f"webhooks/{delivery.subscription_id}"),
        at=moment(dead.failed_at_ms, visit.now_ms),
    )
