"""Deliveries by their ids: where their records lie, and how they stand.

The laws:
- an id finds its owner's own delivery, and of another's nothing is told;
- however many ids are named, the log's index is read once for all of them, and the dead letters once for those that it
  does not have; no body is kept in mind;
- no more than LOOK_UPS are under way in a process, LOOK_UPS_OF_A_TENANT of them one tenant's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from consumer.api.services import Services
from consumer.control.owner import Owner
from consumer.delivery.delivery import is_delivery_id
from consumer.jobs.job import Spot
from consumer.kafka.topics import Topics
from consumer.log.entry import Ended
from consumer.log.query import Cursor, Query, View
from consumer.replay.filters import Filters
from consumer.shares import Shares

LOOK_UPS: Final = 8
LOOK_UPS_OF_A_TENANT: Final = 2
_PAGES: Final = 3
"""Of the index. A page looks at 200,000 entries, which is more than a webhook usually has."""


def look_ups() -> Shares:
    """The look-ups of deliveries under way in a process."""
    return Shares("look-ups of deliveries", places=LOOK_UPS, share=LOOK_UPS_OF_A_TENANT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One of them. `ended` is None of a dead letter; `left_out`: what was to be sent is not in its record."""

    webhook: str
    spot: Spot
    ended: Ended | None
    left_out: bool = False


def found(services: Services, owner: Owner, ids: Iterable[str], webhooks: frozenset[str]) -> Mapping[str, Found]:
    """Those of these deliveries that there are, by their ids; of these webhooks, where some are named.

    Raises:
        Busy: too many look, of this tenant or of all.
        CacheUnavailable: the index cannot be read.
        KafkaBroken: the dead letters could not be read.
    """
    wanted = frozenset(each for each in ids if is_delivery_id(each))
    if not wanted:
        return {}
    with services.look_ups.place(owner.tenant):
        known = _listed(services, owner, wanted, webhooks)
        left = wanted - known.keys()
        return {**known, **_dead(services, owner, left, webhooks)} if left else known


def _listed(services: Services, owner: Owner, ids: frozenset[str], webhooks: frozenset[str]) -> dict[str, Found]:
    """Those that the index lists, at their latest attempts."""
    topic = Topics.of(services.plane.settings).attempts
    known: dict[str, Found] = {}
    cursor: Cursor | None = None
    for _ in range(_PAGES):
        page = services.log.page(
            View.DELIVERIES,
            tenant=owner.tenant,
            brand=owner.brand,
            query=Query(webhooks=webhooks, deliveries=ids),
            limit=len(ids),
            cursor=cursor,
        )
        for row in page.rows:
            spot = Spot(topic, row.partition, row.entry.offset)
            known.setdefault(row.entry.delivery, Found(webhook=row.webhook, spot=spot, ended=row.entry.ended))
        cursor = page.next
        if cursor is None or len(known) == len(ids):
            break
    return known


def _dead(services: Services, owner: Owner, ids: frozenset[str], webhooks: frozenset[str]) -> dict[str, Found]:
    """Those that were given up and are not listed: never tried, or too long ago."""
    filters = Filters(ids=ids, webhooks=webhooks, tenants=frozenset({owner.tenant}), brands=frozenset({owner.brand}))
    return {
        each.id: Found(
            webhook=each.webhook,
            spot=Spot(each.topic, each.partition, each.offset),
            ended=None,
            left_out=each.left_out,
        )
        for each in services.dead_letters.lying(owner.tenant, filters)
    }
