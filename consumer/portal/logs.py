"""The log as a visit sees it: its own, and what its scopes and its product let it see."""

from collections.abc import Mapping
from dataclasses import replace

from consumer.api.log_pages import tiers_of
from consumer.control.keys import Scope
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
    tiers = tiers_of(visit.services.plane.settings)
    return Sight(tiers=tiers, now_ms=visit.now_ms, bodies=visit.may(Scope.BODIES), brand=visit.brand)


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


def by_id(subscriptions: list[Subscription]) -> Mapping[str, Subscription]:
    """Webhooks by their ids."""
    return {each.id: each for each in subscriptions}
