"""The routes of deliveries: a customer's own, listed, and looked at with all their attempts.

The law: a delivery is the caller's when its event was for the caller's tenant and its webhook under the caller's brand.
One that never had an attempt is found among the dead letters.
"""

from typing import Annotated, Final

from fastapi import Path, Query
from starlette.responses import Response

from consumer.api import answers
from consumer.api.attempts import TAGS
from consumer.api.call import needs
from consumer.api.dead_letters import dead_letter_of
from consumer.api.documents import problems
from consumer.api.log_models import Delivery, DeliveryQuery, DeliveryRow, LogPage
from consumer.api.log_pages import listed, sight
from consumer.api.moments import time_of
from consumer.api.problem import not_found
from consumer.api.site import Asking, Site
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.delivery.delivery import DeadLetter, is_delivery_id
from consumer.json import Json
from consumer.log.entry import Trigger
from consumer.log.query import Query as Wanted
from consumer.log.query import Row, View
from consumer.log.resource import delivery_row, delivery_told, explanation_of_dead, told
from consumer.replay.plan import chain_of

_ATTEMPTS_MOST: Final = 100
_AGAIN: Final = frozenset({Trigger.REPLAY, Trigger.RESEND, Trigger.RECOVER})

DeliveryId = Annotated[str, Path(description="The delivery's id.", max_length=256)]
OfWebhook = Annotated[
    str | None, Query(max_length=256, description="The webhook that it is for: it is found at once then.")
]


def add_deliveries(site: Site) -> None:
    """Add them beside the brand's webhooks."""
    _add_list(site)
    _add_one(site)


def _add_list(site: Site) -> None:
    @site.app.get(
        site.prefix + "/deliveries",
        operation_id="listDeliveries",
        summary="List deliveries at their latest attempt, the newest first",
        description="A delivery is one event for one webhook. A parameter that is a list may be given several times: "
        "its values are alternatives. With `after` it lists what is newer, the oldest first.",
        tags=[*TAGS],
        response_model=site.shapes.page(DeliveryRow, LogPage),
        responses=problems(422),
        openapi_extra=needs(Scope.READ),
    )
    def list_deliveries(call: Asking, asked: Annotated[DeliveryQuery, Query()]) -> Response:
        return listed(site, call, View.DELIVERIES, asked, delivery_row)


def _add_one(site: Site) -> None:
    @site.app.get(
        site.prefix + "/deliveries/{id}",
        operation_id="getDelivery",
        summary="Show a delivery with its attempts",
        tags=[*TAGS],
        response_model=site.shapes.one(Delivery),
        responses=problems(404),
        openapi_extra=needs(Scope.READ),
    )
    def get_delivery(call: Asking, id: DeliveryId, webhook: OfWebhook = None) -> Response:  # noqa: A002 # the path's word
        if not is_delivery_id(id):
            raise not_found("there is no such delivery: list the deliveries to see which there are")
        owner, seen = call.caller.owner, sight(site, call)
        wanted = Wanted(deliveries=frozenset({id}), webhooks=frozenset(() if webhook is None else (webhook,)))
        found = site.services.log.page(
            View.ATTEMPTS,
            tenant=owner.tenant,
            brand=owner.brand,
            query=wanted,
            limit=_ATTEMPTS_MOST,
            cursor=None,
        )
        shown = (
            delivery_told(found.rows, seen, replay_of=_original(site, owner, found.rows[0]))
            if found.rows
            else _dead(site, owner, id)
        )
        if shown is None:
            looked = "" if webhook or found.searched_to_ms is None else ", of those looked at: name its webhook as well"
            raise not_found(f"there is no such delivery{looked}")
        return answers.response(answers.one(site.brand, shown))


def _original(site: Site, owner: Owner, row: Row) -> str | None:
    """The delivery that this one sends again, if the log lists one, and one only: two events may have one id."""
    entry = row.entry
    if entry.trigger not in _AGAIN:
        return None
    wanted = Wanted(
        events=frozenset({entry.event_id}), webhooks=frozenset({row.webhook}), triggers=frozenset({Trigger.EVENT})
    )
    found = site.services.log.page(
        View.DELIVERIES, tenant=owner.tenant, brand=owner.brand, query=wanted, limit=2, cursor=None
    )
    return found.rows[0].entry.delivery if len(found.rows) == 1 else None


def _dead(site: Site, owner: Owner, id_: str) -> Json:
    """What was given up without an attempt that the log still lists."""
    found = dead_letter_of(site.services, owner, id_)
    return None if found is None else _given_up(found)


def _given_up(dead: DeadLetter) -> Json:
    delivery = dead.delivery
    return {
        "id": delivery.id,
        "object": "delivery",
        "webhook": delivery.subscription_id,
        "eventId": delivery.event.id,
        "type": delivery.event.type,
        "status": "failed",
        "trigger": delivery.trigger,
        "attempts": delivery.attempts,
        "firstAttemptAt": time_of(delivery.first_attempt_ms),
        "reason": dead.reason,
        "job": delivery.job_id,
        "replayOf": chain_of(delivery) if delivery.replays else None,
        "lastAttempt": None,
        "nextAttemptAt": None,
        "overdue": False,
        "explanation": told(explanation_of_dead(dead)),
        "attemptsKept": [],
    }
