"""Deliveries by their ids: where their records lie, and how they stand. For whoever names some of them.

The laws:
- an id finds its owner's own delivery, and of another's nothing is told;
- however many ids are named, the log's index is read once for all of them, and the dead letters once for those that it
  does not have; no body is kept in mind.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from consumer.control.owner import Owner
from consumer.delivery.delivery import is_delivery_id
from consumer.jobs.job import Spot
from consumer.log.bodies import Lists
from consumer.log.entry import Ended
from consumer.log.query import Cursor, Query, View
from consumer.replay.dead_letters import Lying
from consumer.replay.filters import Filters

_PAGES: Final = 3
"""Of the index. A page looks at 200,000 entries, which is more than a webhook usually has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One of them. `ended` is None of a dead letter; `left_out`: what was to be sent is not in its record."""

    webhook: str
    spot: Spot
    ended: Ended | None
    left_out: bool = False


def found(
    lists: Lists,
    lying: Callable[[Filters], Iterable[Lying]],
    owner: Owner,
    ids: Iterable[str],
    webhooks: frozenset[str],
    *,
    attempts: str,
) -> Mapping[str, Found]:
    """Those of these deliveries that there are, by their ids; of these webhooks, where some are named.

    `lying` tells where dead letters lie, `attempts` is the topic that the index is of.

    Raises:
        CacheUnavailable: the index cannot be read.
        Exception: whatever `lying` raises.
    """
    wanted = frozenset(each for each in ids if is_delivery_id(each))
    if not wanted:
        return {}
    known = _listed(lists, owner, wanted, webhooks, attempts)
    left = wanted - known.keys()
    return {**known, **_dead(lying, owner, left, webhooks)} if left else known


def _listed(
    lists: Lists, owner: Owner, ids: frozenset[str], webhooks: frozenset[str], attempts: str
) -> dict[str, Found]:
    """Those that the index lists, at their latest attempts."""
    known: dict[str, Found] = {}
    query = Query(webhooks=webhooks, deliveries=ids)
    cursor: Cursor | None = None
    for _ in range(_PAGES):
        page = lists.page(
            View.DELIVERIES, tenant=owner.tenant, brand=owner.brand, query=query, limit=len(ids), cursor=cursor
        )
        for row in page.rows:
            spot = Spot(attempts, row.partition, row.entry.offset)
            known.setdefault(row.entry.delivery, Found(webhook=row.webhook, spot=spot, ended=row.entry.ended))
        cursor = page.next
        if cursor is None or len(known) == len(ids):
            break
    return known


def _dead(
    lying: Callable[[Filters], Iterable[Lying]], owner: Owner, ids: frozenset[str], webhooks: frozenset[str]
) -> dict[str, Found]:
    """Those that were given up and are not listed: never tried, or too long ago."""
    filters = Filters(ids=ids, webhooks=webhooks, tenants=frozenset({owner.tenant}), brands=frozenset({owner.brand}))
    return {
        each.id: Found(
            webhook=each.webhook,
            spot=Spot(each.topic, each.partition, each.offset),
            ended=None,
            left_out=each.left_out,
        )
        for each in lying(filters)
    }
