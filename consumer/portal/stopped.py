"""Keys of an ordered webhook that have stopped: which delivery stopped each, and what its customer decides.

The law: a delivery is listed while nobody has decided about it since it stopped. How many keys have stopped is told by
the processes that keep them; what is carried out within seconds may still be counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from consumer.api.problem import Refusal
from consumer.control.keys import Scope
from consumer.control.work import Work
from consumer.delivery.outcome import DeathReason
from consumer.delivery.stopping import decided
from consumer.log.entry import Ended, Entry
from consumer.log.query import Query, Row, View
from consumer.portal import logs
from consumer.portal.answering import Done
from consumer.portal.log_rows import LogRow, log_row
from consumer.portal.visit import Visit
from consumer.shares import Busy
from consumer.standings.store import Backlog
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.subscription import OnFailure, Status, Subscription

LISTED: Final = 10
HEADS: Final = ("retry", "drop")
"""What may be decided, by the API's names."""
_LOOKED_AT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """`keys` have stopped, None: nobody tells. `rows` are the latest deliveries that stopped one, as far as known.

    `decide` is where a decision goes; None: this session may not. `more`: not all of them are listed.
    """

    keys: int | None
    rows: tuple[LogRow, ...]
    more: bool
    decide: str | None
    log_url: str


def stopped_of(visit: Visit, subscription: Subscription, backlog: Backlog | None) -> Stopped | None:
    """Of a webhook; None: no key of it has stopped."""
    keys = None if backlog is None else backlog.blocked
    if keys == 0 or not _may_stop(subscription):
        return None
    found = _undecided(subscription, _listed(visit, subscription))
    if keys is None and not found:
        return None
    sight, known = logs.sight(visit), {subscription.id: subscription}
    return Stopped(
        keys=keys,
        rows=tuple(log_row(row, View.DELIVERIES, sight, known, visit.url) for row in found[:LISTED]),
        more=len(found) > LISTED,
        decide=_decide(visit, subscription),
        log_url=visit.url("log", [("webhook", subscription.id), ("reason", DeathReason.BLOCKED)]),
    )


def decide_of(visit: Visit, subscription: Subscription | None, delivery: str) -> str | None:
    """Where it is decided about a delivery that has stopped its key; None: it has not, or this session may not."""
    if subscription is None or not _may_stop(subscription):
        return None
    query = Query(webhooks=frozenset({subscription.id}), deliveries=frozenset({delivery}))
    rows = logs.rows(visit, View.DELIVERIES, query, limit=1).rows
    stopped = [row for row in rows if row.entry.reason == DeathReason.BLOCKED]
    return _decide(visit, subscription) if _undecided(subscription, stopped) else None


def decide(visit: Visit, work: Work) -> Done:
    """Let stopped keys go on: all of them, or that of one delivery."""
    subscription, head = visit.webhook(visit.params["webhook"]), visit.form.get("head")
    if head not in HEADS:
        raise Refusal(HTTPStatus.BAD_REQUEST, "the form lacks what is to become of it")
    delivery = visit.form.get("delivery")
    visit.services.plane.webhooks.unblock(
        visit.owner, subscription.id, drop=head == "drop", delivery_id=delivery, work=work
    )
    return Done(then=f"webhooks/{subscription.id}", notice=f"unblocked_{head}")


def _may_stop(subscription: Subscription) -> bool:
    """Paused and suspended ones have let go of what waited."""
    return subscription.on_failure is OnFailure.BLOCK and subscription.status is Status.ACTIVE


def _undecided(subscription: Subscription, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if _stays(subscription, row.entry)]


def _stays(subscription: Subscription, entry: Entry) -> bool:
    """It stopped when its attempt was answered; what stopped before a pause or a suspension was let go by that."""
    stopped_ms = entry.begun_ms + entry.elapsed_ms
    return stopped_ms >= subscription.status_since_ms and decided(subscription, entry.delivery, stopped_ms) is None


def _listed(visit: Visit, subscription: Subscription) -> Sequence[Row]:
    query = Query(
        webhooks=frozenset({subscription.id}),
        ended=frozenset({Ended.DEAD}),
        reasons=frozenset({DeathReason.BLOCKED}),
    )
    try:
        return logs.rows(visit, View.DELIVERIES, query, limit=_LOOKED_AT).rows
    except (CacheUnavailable, Busy):
        return ()


def _decide(visit: Visit, subscription: Subscription) -> str | None:
    return visit.url(f"webhooks/{subscription.id}/unblock") if visit.may(Scope.WRITE) else None
