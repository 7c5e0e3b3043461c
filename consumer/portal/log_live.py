"""What is newer than a page of the log, for the page's live tail; and how far the log is.

The law: the tail goes on from the page, with the page's own filters: it shows each row once, and leaves none out.
"""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from pydantic import ValidationError
from starlette.responses import HTMLResponse, Response

from consumer.api.problem import Refusal
from consumer.control.cursor import CursorInvalid
from consumer.control.keys import Scope
from consumer.log.query import Page, Position, View
from consumer.portal import logs
from consumer.portal.log_filters import Filters, filters_of
from consumer.portal.log_rows import LogRow, log_row
from consumer.portal.rendering import render
from consumer.portal.times import Moment, moment_or_none
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.webhooks.wrong import FieldInvalid

NEWER_MOST: Final = 50
BEHIND_MS: Final = 30_000
"""A log that is this far behind is told to be so."""
_AFTER: Final = "after "


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """`reaches`: all since then is listed. `as_of`: all until then. `filling`: it is being rebuilt."""

    reaches: Moment | None
    as_of: Moment | None
    behind: bool
    filling: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Newer:
    """Rows, the newest first, and where to ask for what is newer than these. `select`: they can be selected."""

    rows: tuple[LogRow, ...]
    after: str
    select: bool
    stand: Stand


def stand_of(found: Page | None, now_ms: int) -> Stand:
    """How far the log is, as this page tells it."""
    if found is None:
        return Stand(reaches=None, as_of=None, behind=False, filling=False)
    return Stand(
        reaches=moment_or_none(found.indexed_from_ms, now_ms),
        as_of=moment_or_none(found.as_of_ms, now_ms),
        behind=found.as_of_ms is not None and now_ms - found.as_of_ms >= BEHIND_MS,
        filling=found.filling,
    )


def address(visit: Visit, filters: Filters, latest: Position) -> str:
    """Where to ask for what is newer."""
    after = visit.services.cursors.write(latest, owner=visit.owner, of=_AFTER + filters.name)
    return visit.url("log/newer", [*filters.pairs, ("after", after)])


def again_url(visit: Visit, filters: Filters) -> str | None:
    """Where selected deliveries are sent again."""
    may = visit.may(Scope.REPLAY) and filters.view is View.DELIVERIES
    return visit.url("log/resend") if may else None


def show(visit: Visit) -> Response:
    """The rows, as a document to be read by a script. Whoever names no place is told from where to ask."""
    filters = filters_of(visit.query)
    try:
        found = _found(visit, filters, visit.query.get("after"))
    except (FieldInvalid, ValidationError, CursorInvalid):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "") from None
    known, sight = logs.known(visit, (row.webhook for row in found.rows)), logs.sight(visit)
    view = Newer(
        rows=tuple(log_row(row, filters.view, sight, known, visit.url) for row in reversed(found.rows)),
        after=address(visit, filters, found.latest),
        select=again_url(visit, filters) is not None,
        stand=stand_of(found, visit.now_ms),
    )
    title = words().say("log.attempts" if filters.view is View.ATTEMPTS else "log.deliveries")
    return HTMLResponse(render("newer.html", view=view, title=title))


def _found(visit: Visit, filters: Filters, after: str) -> Page:
    query, text = filters.query(visit.now_ms)
    services, listing = visit.services, logs.listing(visit, filters.view, query, text)
    if not after:
        return replace(listing.page(services.log, services.archive, limit=1, cursor=None), rows=())
    place = services.cursors.read(after, Position, owner=visit.owner, of=_AFTER + filters.name)
    return listing.newer(services.log, services.archive, limit=NEWER_MOST, after=place)
