"""One delivery, sent again now, for a request that waits (`jobs/at_once.py` finds what is sent)."""

from functools import partial
from http import HTTPStatus

from consumer.api.dead_letters import dead_letter_of
from consumer.api.problem import Refusal, not_found
from consumer.api.services import Services
from consumer.control.owner import Owner
from consumer.jobs.at_once import BodyNotKept, KeptNoLonger, NeverMade, NotThere, at_once
from consumer.log.archive import Kept


def resent_now(services: Services, owner: Owner, id_: str, webhook: str | None, *, again: bool) -> Kept:
    """Send it, and give its attempt. `again`: also one that was accepted.

    Raises:
        Refusal: 404, there is no such delivery; 410, what was sent is kept no longer, or there was nothing.
        WebhookUnknown: its webhook is gone.
        AlreadyDelivered: it was accepted.
        Busy: too many are under way, of this tenant or of all.
        CacheUnavailable, KafkaBroken: the log could not be read, or the attempt not be logged.
    """
    dead = partial(dead_letter_of, services, owner, id_)
    try:
        found, delivered = at_once(services.log, services.archive, dead, owner, id_, webhook=webhook, again=again)
    except NotThere:
        raise not_found("there is no such delivery: list the deliveries to see which there are") from None
    except (KeptNoLonger, BodyNotKept, NeverMade) as error:
        raise Refusal(HTTPStatus.GONE, str(error)) from None
    subscription = services.plane.webhooks.get(owner, found.delivery.subscription_id)
    return services.plane.resend_now(subscription, found, delivered=delivered)
