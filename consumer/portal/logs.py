"""The log as a visit sees it: its own, and what its scopes and its product let it see."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from consumer.api.log_pages import tiers_of
from consumer.control.keys import Scope
from consumer.control.refusal import WebhookUnknown
from consumer.log.archive import AttemptUnknown, Kept
from consumer.log.attempt_id import place_of
from consumer.log.listing import Listing
from consumer.log.query import Cursor, Page, Query, View
from consumer.log.resource import Sight
from consumer.portal.visit import Visit
from consumer.webhooks.subscription import Subscription

_NONE = "-"
"""No webhook's id: of a session whose product has no webhook nothing is listed."""


def sight(visit: Visit) -> Sight:
    """What it sees now."""
    return Sight(
        tiers=tiers_of(visit.services.plane.settings),
        now_ms=visit.now_ms,
        bodies=visit.may(Scope.BODIES),
        brand=visit.brand,
        kept_for_ms=visit.services.attempts_kept_ms(),
    )


def listing(visit: Visit, view: View, query: Query, text: str | None = None) -> Listing:
    """Its own list. Raises Refusal: 403, it looks into bodies."""
    if text is not None:
        visit.caller.need(Scope.BODIES)
    narrowed = visit.narrowed()
    if narrowed is not None:
        wanted = query.webhooks & narrowed if query.webhooks else narrowed
        query = replace(query, webhooks=wanted or frozenset({_NONE}))
    owner = visit.owner
    return Listing(view=view, tenant=owner.tenant, brand=owner.brand, query=query, text=text)


def rows(
    visit: Visit, view: View, query: Query, *, limit: int, cursor: Cursor | None = None, text: str | None = None
) -> Page:
    """A page of it. Raises CacheUnavailable, Busy, KafkaBroken; Refusal as `listing`."""
    services = visit.services
    return listing(visit, view, query, text).page(services.log, services.archive, limit=limit, cursor=cursor)


def kept(visit: Visit, attempt: str) -> Kept:
    """One of its attempts. Raises AttemptUnknown, NotKept, Busy, KafkaBroken, WebhookUnknown."""
    place = place_of(attempt)
    if place is None:
        raise AttemptUnknown
    found = visit.services.archive.read(visit.owner.tenant, visit.owner.brand, place)
    if visit.session.grant.product is not None:
        visit.webhook(found.attempt.subscription_id)
    return found


def known(visit: Visit, ids: Iterable[str]) -> Mapping[str, Subscription]:
    """Those of these webhooks that there are, by their ids."""
    found: dict[str, Subscription] = {}
    for id_ in dict.fromkeys(ids):
        with suppress(WebhookUnknown):
            found[id_] = visit.webhook(id_)
    return found
