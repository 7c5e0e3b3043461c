"""One webhook: what is wrong with it, how it does, its latest deliveries, its settings, its secret."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from consumer.control.keys import Scope
from consumer.control.resource import opened_secret
from consumer.log.entry import Trigger
from consumer.log.health import Health
from consumer.log.query import Page, Query, View
from consumer.log.stats import Period
from consumer.log.stats_resource import told as told_stats
from consumer.portal import logs, pills
from consumer.portal.answering import page
from consumer.portal.health_view import HealthView, health_view
from consumer.portal.log_rows import LogRow, log_row
from consumer.portal.names import Named, named
from consumer.portal.pills import Condition, Pill
from consumer.portal.settings_view import SettingsView, settings_view
from consumer.portal.sparkline import sparkline
from consumer.portal.stopped import Stopped, stopped_of
from consumer.portal.times import Moment, moment, moment_or_none
from consumer.portal.told import Listed, listed_of
from consumer.portal.visit import Visit
from consumer.portal.wrong import Wrong, wrong_of
from consumer.shares import Busy
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.secrets import public_key
from consumer.webhooks.subscription import SigningProfile, Status, Subscription

LATEST: Final = 10
_LOOKED_AT: Final = 500
_COUNTED: Final = frozenset(Trigger) - {Trigger.TEST}


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
    tls: str | None
    test: str | None
    delete: str | None
    pause: str | None
    resume: str | None
    recover: str | None
    replay: str | None
    activity: str | None
    log: str
    verify: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """The page. `latest` of None: the log cannot be read."""

    named: Named
    status: Pill
    active: bool
    suspended: bool
    paused: bool
    wrong: Wrong | None
    stopped: Stopped | None
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
        found = _page(visit, subscription, View.DELIVERIES, LATEST).rows
        tried = _page(visit, subscription, View.ATTEMPTS, _LOOKED_AT, _COUNTED)
    except (CacheUnavailable, Busy):
        found, tried = None, None
    attempts = () if tried is None else tried.rows
    condition = pills.condition(health, day)
    sight = logs.sight(visit)
    known = {subscription.id: subscription}
    view = WebhookView(
        named=named(subscription),
        status=pills.of_status(subscription.status),
        active=subscription.status is Status.ACTIVE,
        suspended=subscription.status is Status.SUSPENDED,
        paused=subscription.status is Status.PAUSED,
        wrong=wrong_of(visit, subscription, health, condition, attempts),
        stopped=stopped_of(visit, subscription, backlog),
        well=_well(visit, subscription, health, condition),
        health=health_view(
            visit.now_ms,
            health=health,
            backlog=backlog,
            day=sparkline(day),
            condition=condition,
            listed=_listed(visit, subscription, tried),
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


def _page(
    visit: Visit, subscription: Subscription, view: View, limit: int, triggers: frozenset[Trigger] = frozenset()
) -> Page:
    return logs.rows(visit, view, Query(webhooks=frozenset({subscription.id}), triggers=triggers), limit=limit)


def _listed(visit: Visit, subscription: Subscription, tried: Page | None) -> Listed | None:
    """What its newest attempts say of its endpoint, as the API tells it."""
    if tried is None:
        return None
    return listed_of(told_stats(subscription.id, Period.DAY, None, tried, visit.now_ms)["listed"])


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
        tls=where(edit, "tls"),
        test=where(may, "test"),
        delete=where(may, "delete"),
        pause=where(may and subscription.status is Status.ACTIVE, "pause"),
        resume=where(may and subscription.status is not Status.ACTIVE, "resume"),
        recover=where(visit.may(Scope.REPLAY), "recover"),
        replay=where(visit.may(Scope.REPLAY), "replay"),
        activity=where(visit.may(Scope.ADMIN), "activity"),
        log=visit.url("log", [("webhook", subscription.id)]),
        verify=visit.url(f"{base}/verify"),
    )
