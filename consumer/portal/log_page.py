"""The log: every delivery or every attempt, filtered, a page at a time, the newest first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pydantic import ValidationError
from starlette.responses import Response

from consumer.api.log_export import exported
from consumer.control.cursor import CursorInvalid
from consumer.control.keys import Scope
from consumer.delivery.delivery import is_delivery_id
from consumer.delivery.outcome import DeathReason
from consumer.log.attempt_id import place_of
from consumer.log.query import Cursor, Page, Query, View
from consumer.log.resource import FAILURES
from consumer.portal import log_live, logs
from consumer.portal.answering import page, see
from consumer.portal.log_filters import CODES, STATUSES, Filters, filters_of, wrong_of
from consumer.portal.log_live import Stand, stand_of
from consumer.portal.log_rows import LogRow, log_row
from consumer.portal.names import named
from consumer.portal.times import Moment, moment_or_none
from consumer.portal.visit import Fields, Visit
from consumer.portal.words import words
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wrong import FieldInvalid

ON_A_PAGE: Final = 20
WEBHOOKS_OFFERED: Final = 100
_BACK_MOST: Final = 12
"""So many pages are gone back one by one."""
_WEBHOOK: Final = re.compile(r"wh_[0-9a-f]{28}")
_BODIES: Final = "bodies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One of a choice."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterForm:
    """The form above the list. `wrong` are messages by field; `narrowed`: more than ids and statuses are filtered."""

    action: str
    find: str
    bodies: bool
    may_bodies: bool
    webhooks: tuple[Option, ...]
    statuses: tuple[Option, ...]
    codes: tuple[Option, ...]
    reasons: tuple[Option, ...]
    types: tuple[str, ...]
    type: str
    since: str
    until: str
    view: str
    wrong: dict[str, str]
    narrowed: bool
    clear_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The page. `searched_to`: it ended because enough was looked at.

    `live_url` tells what is newer; `again_url` is where what is selected is sent again. None: not on this page.
    """

    form: FilterForm
    of_attempts: bool
    rows: tuple[LogRow, ...]
    given: bool
    stand: Stand
    searched_to: Moment | None
    other_view: str
    newer_url: str | None
    older_url: str | None
    csv_url: str
    lines_url: str
    failed_url: str | None
    test_url: str | None
    live_url: str | None
    again_url: str | None


def show(visit: Visit) -> Response:
    """The page; or where a pasted id leads."""
    if (lead := _lead(visit)) is not None:
        return lead
    filters = filters_of(visit.query)
    places = visit.query.all("cursor")
    try:
        query, text = filters.query(visit.now_ms)
        cursor = _cursor(visit, filters, places)
        found = logs.rows(visit, filters.view, query, limit=ON_A_PAGE, cursor=cursor, text=text)
    except (FieldInvalid, ValidationError) as error:
        return _page(visit, filters, None, places, wrong_of(error))
    except CursorInvalid:
        return see(visit.url("log", filters.pairs))
    return _page(visit, filters, found, places, {})


def export(visit: Visit) -> Response:
    """The rows as a file."""
    filters = filters_of(Fields(pairs=(*visit.query.pairs, ("view", "attempts"))))
    try:
        query, text = Filters(view=View.ATTEMPTS, statuses=filters.statuses, values=filters.values).query(visit.now_ms)
    except (FieldInvalid, ValidationError):
        return see(visit.url("log", filters.pairs))
    wanted = logs.listing(visit, View.ATTEMPTS, query, text)
    format_ = "jsonl" if visit.query.get("format") == "jsonl" else "csv"
    return exported(visit.services, wanted, logs.sight(visit), format_)


def _page(visit: Visit, filters: Filters, found: Page | None, places: list[str], wrong: dict[str, str]) -> Response:
    subscriptions, _ = visit.webhooks(WEBHOOKS_OFFERED)
    rows, sight = () if found is None else found.rows, logs.sight(visit)
    known = logs.known(visit, (row.webhook for row in rows))
    other = View.DELIVERIES if filters.view is View.ATTEMPTS else View.ATTEMPTS
    older = None
    if found is not None and found.next is not None:
        then = visit.services.cursors.write(found.next, owner=visit.owner, of=filters.name)
        older = _at(visit, filters, [*places, then][-_BACK_MOST:])
    view = Log(
        form=_form(visit, filters, subscriptions, wrong),
        of_attempts=filters.view is View.ATTEMPTS,
        rows=tuple(log_row(row, filters.view, sight, known, visit.url) for row in rows),
        given=filters.given,
        stand=stand_of(found, visit.now_ms),
        searched_to=moment_or_none(None if found is None else found.searched_to_ms, visit.now_ms),
        other_view=visit.url("log", Filters(view=other, statuses=filters.statuses, values=filters.values).pairs),
        newer_url=_at(visit, filters, places[:-1]) if places else None,
        older_url=older,
        csv_url=visit.url("log/export", [*filters.pairs, ("format", "csv")]),
        lines_url=visit.url("log/export", [*filters.pairs, ("format", "jsonl")]),
        failed_url=visit.url("failed") if "failed" in filters.statuses else None,
        test_url=_test_url(visit, subscriptions),
        live_url=None if found is None or places else log_live.address(visit, filters, found.latest),
        again_url=log_live.again_url(visit, filters),
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return page(visit, "log.html", view, title=words().say("log.title"), tab="log", status=status)


def _form(visit: Visit, filters: Filters, subscriptions: Sequence[Subscription], wrong: dict[str, str]) -> FilterForm:
    say = words().say
    webhook, code, reason = filters.value("webhook"), filters.value("code"), filters.value("reason")
    offered = [*logs.known(visit, [webhook]).values(), *(each for each in subscriptions if each.id != webhook)]
    reasons = [*FAILURES, *DeathReason]
    return FilterForm(
        action=visit.url("log"),
        find=filters.value("event") or filters.value("contains"),
        bodies="contains" in filters.values,
        may_bodies=visit.may(Scope.BODIES),
        webhooks=tuple(
            sorted(
                (Option(value=each.id, label=named(each).name, chosen=each.id == webhook) for each in offered),
                key=lambda each: each.label.casefold(),
            )
        ),
        statuses=tuple(
            Option(value=each, label=say(f"ended.{each}"), chosen=each in filters.statuses) for each in STATUSES
        ),
        codes=tuple(Option(value=each, label=say(f"log.codes.{each}"), chosen=each == code) for each in CODES),
        reasons=tuple(Option(value=each, label=say(f"reason.{each}"), chosen=each == reason) for each in reasons),
        types=tuple(each.type for each in visit.brand.catalogue),
        type=filters.value("type"),
        since=filters.value("since"),
        until=filters.value("until"),
        view="attempts" if filters.view is View.ATTEMPTS else "",
        wrong=wrong,
        narrowed=bool(filters.values.keys() - {"event", "contains"} or wrong),
        clear_url=visit.url("log", [("view", "attempts")] if filters.view is View.ATTEMPTS else []),
    )


def _cursor(visit: Visit, filters: Filters, places: list[str]) -> Cursor | None:
    if not places:
        return None
    return visit.services.cursors.read(places[-1], Cursor, owner=visit.owner, of=filters.name)


def _at(visit: Visit, filters: Filters, places: list[str]) -> str:
    return visit.url("log", [*filters.pairs, *(("cursor", each) for each in places)])


def _lead(visit: Visit) -> Response | None:
    """Where the box "Find" leads: to what has this id, or to the list of what has it; None: nothing was typed."""
    text = visit.query.get("find")
    if "find" not in visit.query:
        return None
    filters = filters_of(visit.query)
    if text and visit.query.get("in") != _BODIES and (path := _path_of(visit, text)) is not None:
        return see(visit.url(path))
    rest = {name: value for name, value in filters.values.items() if name not in {"event", "contains"}}
    if text:
        rest |= {"contains" if visit.query.get("in") == _BODIES else "event": (text,)}
    return see(visit.url("log", Filters(view=filters.view, statuses=filters.statuses, values=rest).pairs))


def _path_of(visit: Visit, text: str) -> str | None:
    """The page of what has this id."""
    if place_of(text) is not None:
        return f"attempts/{text}"
    if _WEBHOOK.fullmatch(text):
        return f"webhooks/{text}"
    if not is_delivery_id(text):
        return None
    found = logs.rows(visit, View.DELIVERIES, Query(deliveries=frozenset({text})), limit=1)
    return f"webhooks/{found.rows[0].webhook}/deliveries/{text}" if found.rows else None


def _test_url(visit: Visit, subscriptions: Sequence[Subscription]) -> str | None:
    """Where something can be sent, so that there is something to see."""
    if not visit.may(Scope.WRITE) or not subscriptions:
        return None
    wanted = visit.query.get("webhook")
    chosen = next((each for each in subscriptions if each.id == wanted), subscriptions[-1])
    return visit.url(f"webhooks/{chosen.id}/test")
