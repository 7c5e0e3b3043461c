"""One delivery, sent again now: what its records tell of it, and the answer to the request that waited.

The law: an id sends its owner's own delivery alone, to its own webhook; of another's nothing is told.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.api import answers
from consumer.api.call import Call
from consumer.api.dead_letters import dead_letter_of
from consumer.api.log_pages import sight
from consumer.api.problem import Refusal, not_found
from consumer.api.site import Site
from consumer.control.owner import Owner
from consumer.control.resend_now import Again, AlreadyDelivered, of_attempt, of_dead
from consumer.delivery.delivery import is_delivery_id
from consumer.kafka.picking import NotKept
from consumer.log.archive import AttemptUnknown
from consumer.log.attempt_id import Place
from consumer.log.entry import Ended
from consumer.log.query import Query, Row, View
from consumer.log.resource import attempt_detail

_ROWS: Final = 100
_READ_MOST: Final = 5
"""Records of attempts that are read for one that has the body: those before a request could be made have none."""


def resent_now(site: Site, call: Call, id_: str, webhook: str | None, *, again: bool) -> Response:
    """Send it, and tell the attempt in full. `again`: also one that was accepted.

    Raises:
        Refusal: 404, there is no such delivery; 410, what was sent is kept no longer.
        WebhookUnknown: its webhook is gone.
        AlreadyDelivered: it was accepted.
        Busy: too many are under way, of this tenant or of all.
        CacheUnavailable, KafkaBroken: the log could not be read, or the attempt not be logged.
    """
    if not is_delivery_id(id_):
        raise _unknown()
    owner, services = call.caller.owner, site.services
    rows = _rows(site, owner, id_, webhook)
    delivered = any(row.entry.ended is Ended.DELIVERED for row in rows)
    if delivered and not again:
        raise AlreadyDelivered
    found = _told_by(site, owner, rows) or _dead(site, owner, id_, webhook)
    if found is None:
        raise _gone() if rows else _unknown()
    subscription = services.plane.webhooks.get(owner, found.delivery.subscription_id)
    kept = services.plane.resend_now(subscription, found, delivered=delivered)
    return answers.response(answers.one(site.brand, attempt_detail(kept, sight(site, call))))


def _rows(site: Site, owner: Owner, id_: str, webhook: str | None) -> Sequence[Row]:
    """Its attempts that are listed, the newest first."""
    wanted = Query(deliveries=frozenset({id_}), webhooks=frozenset(() if webhook is None else (webhook,)))
    return site.services.log.page(
        View.ATTEMPTS, tenant=owner.tenant, brand=owner.brand, query=wanted, limit=_ROWS, cursor=None
    ).rows


def _told_by(site: Site, owner: Owner, rows: Sequence[Row]) -> Again | None:
    """What the newest of these attempts that has all of it tells."""
    made = max((row.entry.number for row in rows), default=0)
    for row in rows[:_READ_MOST]:
        place = Place(partition=row.partition, offset=row.entry.offset, delivery=row.entry.delivery[:8])
        try:
            kept = site.services.archive.read(owner.tenant, owner.brand, place)
        except (NotKept, AttemptUnknown):  # the latter where the topic was made anew
            continue
        if (found := of_attempt(kept.attempt, attempts=made)) is not None:
            return found
    return None


def _dead(site: Site, owner: Owner, id_: str, webhook: str | None) -> Again | None:
    """What its dead letter tells. Raises Refusal: 410."""
    dead = dead_letter_of(site, owner, id_)
    if dead is None or webhook not in {None, dead.delivery.subscription_id}:
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
