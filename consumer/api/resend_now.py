"""One delivery, sent again now: what its records tell of it, and the attempt that is made of that.

The law: an id sends its owner's own delivery alone, to its own webhook; of another's nothing is told.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from consumer.api.problem import Refusal, not_found
from consumer.api.services import Services
from consumer.control.owner import Owner
from consumer.control.resend_now import Again, AlreadyDelivered, of_attempt, of_dead
from consumer.delivery.delivery import is_delivery_id
from consumer.kafka.picking import NotKept
from consumer.log.archive import AttemptUnknown, Kept
from consumer.log.attempt_id import Place
from consumer.log.entry import Ended
from consumer.log.query import Query, Row, View
from consumer.replay.filters import Filters

_ROWS: Final = 100
_READ_MOST: Final = 5
"""Records of attempts that are read for one that has the body: those before a request could be made have none."""


def resent_now(services: Services, owner: Owner, id_: str, webhook: str | None, *, again: bool) -> Kept:
    """Send it, and give its attempt. `again`: also one that was accepted.

    Raises:
        Refusal: 404, there is no such delivery; 410, what was sent is kept no longer.
        WebhookUnknown: its webhook is gone.
        AlreadyDelivered: it was accepted.
        Busy: too many are under way, of this tenant or of all.
        CacheUnavailable, KafkaBroken: the log could not be read, or the attempt not be logged.
    """
    if not is_delivery_id(id_):
        raise _unknown()
    rows = _rows(services, owner, id_, webhook)
    delivered = any(row.entry.ended is Ended.DELIVERED for row in rows)
    if delivered and not again:
        raise AlreadyDelivered
    found = _told_by(services, owner, rows) or _dead(services, owner, id_, webhook)
    if found is None:
        raise _gone() if rows else _unknown()
    subscription = services.plane.webhooks.get(owner, found.delivery.subscription_id)
    return services.plane.resend_now(subscription, found, delivered=delivered)


def _rows(services: Services, owner: Owner, id_: str, webhook: str | None) -> Sequence[Row]:
    """Its attempts that are listed, the newest first."""
    wanted = Query(deliveries=frozenset({id_}), webhooks=frozenset(() if webhook is None else (webhook,)))
    return services.log.page(
        View.ATTEMPTS, tenant=owner.tenant, brand=owner.brand, query=wanted, limit=_ROWS, cursor=None
    ).rows


def _told_by(services: Services, owner: Owner, rows: Sequence[Row]) -> Again | None:
    """What the newest of these attempts that has all of it tells."""
    made = max((row.entry.number for row in rows), default=0)
    for row in rows[:_READ_MOST]:
        place = Place(partition=row.partition, offset=row.entry.offset, delivery=row.entry.delivery[:8])
        try:
            kept = services.archive.read(owner.tenant, owner.brand, place)
        except (NotKept, AttemptUnknown):  # the latter where the topic was made anew
            continue
        if (found := of_attempt(kept.attempt, attempts=made)) is not None:
            return found
    return None


def _dead(services: Services, owner: Owner, id_: str, webhook: str | None) -> Again | None:
    """What its dead letter tells. Raises Refusal: 410."""
    filters = Filters(
        ids=frozenset({id_}),
        webhooks=frozenset(() if webhook is None else (webhook,)),
        tenants=frozenset({owner.tenant}),
        brands=frozenset({owner.brand}),
    )
    dead = next(iter(services.dead_letters.found(owner.tenant, filters)), None)
    if dead is None:
        return None
    found = of_dead(dead)
    if found is None:
        raise _gone()
    return found


def _unknown() -> Refusal:
    return not_found("there is no such delivery: list the deliveries to see which there are")


def _gone() -> Refusal:
    detail = "what was sent is not kept, so it cannot be sent again: let its event be published anew"
    return Refusal(HTTPStatus.GONE, detail)
