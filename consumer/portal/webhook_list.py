"""The list of webhooks: those that need somebody first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from consumer.control.keys import Scope
from consumer.log.health import Health
from consumer.portal import pills
from consumer.portal.answering import page
from consumer.portal.names import Named, named
from consumer.portal.pills import Condition, Pill
from consumer.portal.sparkline import Sparkline, sparkline
from consumer.portal.statistics import Day
from consumer.portal.times import Moment, moment_or_none
from consumer.portal.visit import LOOKED_AT_MOST, Visit
from consumer.portal.words import words
from consumer.standings.store import Backlog
from consumer.webhooks.subscription import OnFailure, Status, Subscription

ON_A_PAGE: Final = 20
FILTERED_FROM: Final = 25
_NUMBER_MOST: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One webhook. `stopped`: keys of its order have."""

    url: str
    named: Named
    status: Pill
    stopped: Pill | None
    health: Pill
    day: Sparkline | None
    last: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookList:
    """A page of them. `searched`: the filter is shown; `beyond`: there are more than are looked at, so many."""

    rows: tuple[Row, ...]
    any: bool
    find: str
    searched: bool
    beyond: int | None
    new_url: str | None
    list_url: str
    first: int
    last: int
    total: int
    previous_url: str | None
    next_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A webhook and what is known of it."""

    subscription: Subscription
    health: Health | None

    @property
    def order(self) -> tuple[bool, int, str]:
        """Suspended and failing ones first, then by their last requests."""
        needed = self.subscription.status is Status.SUSPENDED or pills.condition(self.health, None) is Condition.FAILING
        last_ms = 0 if self.health is None else self.health.last_attempt_at_ms
        return (not needed, -last_ms, self.subscription.id)


def show(visit: Visit) -> Response:
    """The page."""
    found, more = visit.webhooks()
    find, number = visit.query.get("find"), _number(visit.query.get("page"))
    chosen = [each for each in found if _is_meant(each, find)]
    healths = visit.services.healths.read([each.id for each in chosen])
    ordered = sorted(
        (Seen(subscription=each, health=healths.get(each.id)) for each in chosen), key=lambda each: each.order
    )
    part = ordered[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
    days = visit.statistics.read([each.subscription.id for each in part])
    ordered_ones = [each.subscription.id for each in part if each.subscription.on_failure is OnFailure.BLOCK]
    backlogs = visit.services.backlogs.read(ordered_ones) if ordered_ones else {}

    def at(page_number: int) -> str:
        pairs = [("find", find)] if find else []
        return visit.url("webhooks", [*pairs, ("page", str(page_number))])

    view = WebhookList(
        rows=tuple(_row(visit, each, days.get(each.subscription.id), backlogs) for each in part),
        any=bool(found),
        find=find,
        searched=len(found) >= FILTERED_FROM,
        beyond=LOOKED_AT_MOST if more else None,
        new_url=visit.url("webhooks/new") if visit.may(Scope.WRITE) else None,
        list_url=visit.url("webhooks"),
        first=(number - 1) * ON_A_PAGE + 1,
        last=(number - 1) * ON_A_PAGE + len(part),
        total=len(ordered),
        previous_url=at(number - 1) if number > 1 else None,
        next_url=at(number + 1) if number * ON_A_PAGE < len(ordered) else None,
    )
    return page(visit, "webhooks.html", view, title=words().say("webhooks.title"), tab="webhooks")


def _row(visit: Visit, each: Seen, day: Day | None, backlogs: Mapping[str, Backlog]) -> Row:
    subscription, health = each.subscription, each.health
    backlog = backlogs.get(subscription.id)
    return Row(
        url=visit.url(f"webhooks/{subscription.id}"),
        named=named(subscription),
        status=pills.of_status(subscription.status),
        stopped=pills.STOPPED if backlog is not None and backlog.blocked else None,
        health=pills.of_condition(pills.condition(health, day)),
        day=sparkline(day),
        last=moment_or_none((health.last_attempt_at_ms or None) if health else None, visit.now_ms),
    )


def _is_meant(subscription: Subscription, find: str) -> bool:
    texts: Sequence[str] = (subscription.name, subscription.url, subscription.id, subscription.uid or "")
    return not find or any(find.casefold() in text.casefold() for text in texts)


def _number(text: str) -> int:
    return min(int(text), _NUMBER_MOST) if text.isascii() and text.isdecimal() and int(text) else 1
