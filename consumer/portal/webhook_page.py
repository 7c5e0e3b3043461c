"""One webhook: what is wrong with it, how it does, its latest deliveries, its settings, its secret."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from consumer.control.keys import Scope
from consumer.control.resource import opened_secret
from consumer.log.explanation import of_attempt
from consumer.log.health import Health
from consumer.log.query import Query, Row, View
from consumer.log.resource import explanation_of
from consumer.log.resource import told as told_explanation
from consumer.portal import logs, pills
from consumer.portal.answering import page
from consumer.portal.health_view import HealthView, health_view
from consumer.portal.log_rows import LogRow, answered, log_row
from consumer.portal.names import Named, named
from consumer.portal.pills import Condition, Pill
from consumer.portal.settings_view import SettingsView, settings_view
from consumer.portal.sparkline import sparkline
from consumer.portal.times import Moment, moment, moment_or_none
from consumer.portal.told import Explanation
from consumer.portal.told import explanation_of as read_explanation
from consumer.portal.visit import Visit
from consumer.shares import Busy
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.secrets import public_key
from consumer.webhooks.subscription import SigningProfile, Status, Subscription

LATEST: Final = 10
_LOOKED_AT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What is wrong: `key` is its sentence's. `failures` are the requests in a row that were not accepted."""

    key: str
    since: Moment | None
    failures: int
    answer: str
    why: Explanation | None
    failures_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretView:
    """`shown` is the secret itself, under brands whose customers may read it; `public`: it is a public key."""

    shown: str | None
    public: bool
    former_until: Moment | None
    rotate_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What may be done: an address where it may."""

    edit: str | None
    types: str | None
    test: str | None
    delete: str | None
    pause: str | None
    resume: str | None
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """The page. `latest` of None: the log cannot be read."""

    named: Named
    status: Pill
    active: bool
    suspended: bool
    paused: bool
    wrong: Wrong | None
    well: Moment | None
    health: HealthView
    latest: tuple[LogRow, ...] | None
    settings: SettingsView
    secret: SecretView
    actions: Actions
    list_url: str
    fixed: bool


def show(visit: Visit) -> Response:
    """The page."""
    subscription = visit.webhook(visit.params["webhook"])
    health = visit.services.healths.read([subscription.id]).get(subscription.id)
    backlog = visit.services.backlogs.read([subscription.id]).get(subscription.id)
    day = visit.statistics.read([subscription.id]).get(subscription.id)
    try:
        found = _rows(visit, subscription, View.DELIVERIES, LATEST)
        attempts = _rows(visit, subscription, View.ATTEMPTS, _LOOKED_AT)
    except (CacheUnavailable, Busy):
        found, attempts = None, ()
    condition = pills.condition(health, day)
    sight = logs.sight(visit)
    known = {subscription.id: subscription}
    view = WebhookView(
        named=named(subscription),
        status=pills.of_status(subscription.status),
        active=subscription.status is Status.ACTIVE,
        suspended=subscription.status is Status.SUSPENDED,
        paused=subscription.status is Status.PAUSED,
        wrong=_wrong(visit, subscription, health, condition, attempts),
        well=_well(visit, subscription, health, condition),
        health=health_view(
            sight, health=health, backlog=backlog, day=sparkline(day), condition=condition, attempts=attempts
        ),
        latest=None
        if found is None
        else tuple(log_row(row, View.DELIVERIES, sight, known, visit.url) for row in found),
        settings=settings_view(subscription, visit.now_ms),
        secret=_secret(visit, subscription),
        actions=_actions(visit, subscription),
        list_url=visit.url("webhooks"),
        fixed=not visit.brand.api.editable and visit.may(Scope.WRITE),
    )
    return page(visit, "webhook.html", view, title=view.named.name, tab="webhooks")


def _rows(visit: Visit, subscription: Subscription, view: View, limit: int) -> tuple[Row, ...]:
    return logs.rows(visit, view, Query(webhooks=frozenset({subscription.id})), limit=limit).rows


def _wrong(
    visit: Visit, subscription: Subscription, health: Health | None, condition: Condition, attempts: Sequence[Row]
) -> Wrong | None:
    suspended = subscription.status is Status.SUSPENDED
    if not suspended and condition is not Condition.FAILING:
        return None
    last = None if health is None else health.last_status
    refused = next((row for row in attempts if not _accepted(row)), None)
    why = None
    if refused is not None:
        why = explanation_of(refused.entry.status, None if refused.entry.status else refused.entry.failure, None)
    elif last is not None and last.code is not None:
        why = of_attempt(last.code, None)
    since_ms = subscription.status_since_ms if suspended else None if health is None else health.failing_since_ms
    said = "" if last is None else answered(last.code, None, None).text if last.code else last.message
    return Wrong(
        key="wrong.suspended" if suspended else "wrong.failing",
        since=moment_or_none(since_ms or None, visit.now_ms),
        failures=0 if health is None else health.errors_since_last_success,
        answer=f"{last.code} {said}".strip() if last is not None and last.code else said,
        why=read_explanation(told_explanation(why)),
        failures_url=visit.url("log", [("webhook", subscription.id), ("status", "failed"), ("status", "retrying")]),
    )


def _accepted(row: Row) -> bool:
    return row.entry.status is not None and of_attempt(row.entry.status, None) is None


def _well(visit: Visit, subscription: Subscription, health: Health | None, condition: Condition) -> Moment | None:
    """When all is well: when its endpoint accepted last."""
    if condition is not Condition.HEALTHY or subscription.status is not Status.ACTIVE or health is None:
        return None
    return moment_or_none(health.last_success_at_ms, visit.now_ms)


def _secret(visit: Visit, subscription: Subscription) -> SecretView:
    public = subscription.signing is SigningProfile.ED25519
    readable = visit.brand.api.secret == "readable" and visit.may(Scope.WRITE)  # noqa: S105 # a habit, no secret
    secret = opened_secret(subscription, visit.services.plane.keyring) if readable or public else None
    until_ms = max((each.until_ms for each in subscription.former_secrets), default=0)
    return SecretView(
        shown=public_key(secret) if public and secret is not None else secret,
        public=public,
        former_until=moment(until_ms, visit.now_ms) if until_ms > visit.now_ms else None,
        rotate_url=visit.url(f"webhooks/{subscription.id}/rotate") if visit.may(Scope.WRITE) else None,
    )


def _actions(visit: Visit, subscription: Subscription) -> Actions:
    base, may = f"webhooks/{subscription.id}", visit.may(Scope.WRITE)
    edit = may and visit.brand.api.editable

    def where(allowed: bool, path: str) -> str | None:
        return visit.url(f"{base}/{path}") if allowed else None

    edited = where(edit, "edit")
    return Actions(
        edit=edited,
        types=None if edited is None else f"{edited}#types",
        test=where(may, "test"),
        delete=where(may, "delete"),
        pause=where(may and subscription.status is Status.ACTIVE, "pause"),
        resume=where(may and subscription.status is not Status.ACTIVE, "resume"),
        log=visit.url("log", [("webhook", subscription.id)]),
    )
