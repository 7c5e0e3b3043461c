"""What is wrong with a webhook, in words: since when, why, what follows, and what to do.

The law: what is said to follow is what the settings say; nothing is said of what is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consumer.brands.brand import Retries
from consumer.control.keys import Scope
from consumer.log.entry import Ended
from consumer.log.explanation import of_attempt
from consumer.log.health import Health
from consumer.log.query import Query, Row, View
from consumer.log.resource import Sight, delivery_row, explanation_of
from consumer.log.resource import told as told_explanation
from consumer.portal import logs
from consumer.portal.log_rows import answered, ms_of
from consumer.portal.pills import Condition
from consumer.portal.times import Moment, moment, moment_or_none, span
from consumer.portal.told import Explanation
from consumer.portal.told import explanation_of as read_explanation
from consumer.portal.visit import Visit
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.shares import Busy
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.subscription import Status, Subscription

_WAITING_MOST: Final = 100
_OLDER_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How often each is tried again and over how long, when the next try is, and when all of that ends."""

    more: int
    over: str
    next: Moment | None
    suspends: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What is wrong: `key` is its sentence's. `failures` are the requests in a row that were not accepted.

    `over` is how long they had gone on when it was suspended. `recover_since` is from when it missed something, as a
    form takes it, and `recover` where that form goes; None: this session may not.
    """

    key: str
    since: Moment | None
    failures: int
    over: str | None
    answer: str
    why: Explanation | None
    schedule: Schedule | None
    recover_since: str
    recover: str | None
    failures_url: str


def wrong_of(
    visit: Visit, subscription: Subscription, health: Health | None, condition: Condition, attempts: Sequence[Row]
) -> Wrong | None:
    """Of a webhook that is suspended, or whose endpoint fails. `attempts` are its latest, the newest first."""
    suspended = subscription.status is Status.SUSPENDED
    if not suspended and condition is not Condition.FAILING:
        return None
    failing_ms = None if health is None else health.failing_since_ms
    since_ms = subscription.status_since_ms if suspended else failing_ms
    last = None if health is None else health.last_status
    said = "" if last is None else answered(last.code, None, None).text if last.code else last.message
    may = visit.may(Scope.WRITE) and visit.may(Scope.REPLAY)
    return Wrong(
        key="wrong.suspended" if suspended else "wrong.failing",
        since=moment_or_none(since_ms or None, visit.now_ms),
        failures=0 if health is None else health.errors_since_last_success,
        over=span(since_ms - failing_ms, rough=True) if suspended and since_ms and failing_ms else None,
        answer=f"{last.code} {said}".strip() if last is not None and last.code else said,
        why=_why(health, attempts),
        schedule=None if suspended else _schedule(visit, subscription, failing_ms),
        recover_since=rfc3339(missed_since_ms(subscription, health)),
        recover=visit.url(f"webhooks/{subscription.id}/resume-and-recover") if suspended and may else None,
        failures_url=visit.url("log", [("webhook", subscription.id), ("status", "failed"), ("status", "retrying")]),
    )


def missed_since_ms(subscription: Subscription, health: Health | None) -> int:
    """Since when it may have missed something: an event is older than the first request for it that failed."""
    failing_ms = None if health is None else health.failing_since_ms
    return max(subscription.created_at_ms, (failing_ms or subscription.status_since_ms) - _OLDER_MS)


def suspends_ms(settings: Settings, failing_since_ms: int | None, now_ms: int) -> int | None:
    """When an endpoint that fails since then is suspended if it goes on; None: it is due already, or not known."""
    if failing_since_ms is None:
        return None
    at_ms = failing_since_ms + duration_ms(settings.suspend_after)
    return at_ms if at_ms > now_ms else None


def _why(health: Health | None, attempts: Sequence[Row]) -> Explanation | None:
    """Of the last answer; where none came, of the latest attempt that was not accepted."""
    last = None if health is None else health.last_status
    why = None if last is None or last.code is None else of_attempt(last.code, None)
    refused = next((row.entry for row in attempts if row.entry.ended is not Ended.DELIVERED), None)
    if why is None and refused is not None:
        why = explanation_of(refused.status, None if refused.status else refused.failure, None)
    return read_explanation(told_explanation(why))


def _schedule(visit: Visit, subscription: Subscription, failing_ms: int | None) -> Schedule:
    sight = logs.sight(visit)
    tiers = sight.tiers
    once = subscription.retries is Retries.NONE
    suspends = suspends_ms(visit.services.plane.settings, failing_ms, visit.now_ms)
    next_ms = _next_ms(visit, subscription, sight)
    return Schedule(
        more=0 if once else len(tiers.names) - 1,
        over=span(min(sum(tiers.delays_ms), tiers.retry_for_ms), rough=True),
        next=None if next_ms is None else moment(next_ms, visit.now_ms),
        suspends=moment_or_none(suspends, visit.now_ms),
    )


def _next_ms(visit: Visit, subscription: Subscription, sight: Sight) -> int | None:
    """When the next try of any of its deliveries is made at the earliest, of those listed."""
    query = Query(webhooks=frozenset({subscription.id}), ended=frozenset({Ended.RETRY}))
    try:
        rows = logs.rows(visit, View.DELIVERIES, query, limit=_WAITING_MOST).rows
    except (CacheUnavailable, Busy):
        return None
    times = (delivery_row(row, sight)["nextAttemptAt"] for row in rows)
    return min((at_ms for each in times if isinstance(each, str) and (at_ms := ms_of(each)) is not None), default=None)
