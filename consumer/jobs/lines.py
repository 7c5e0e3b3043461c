"""The line of an event of an ordered webhook, as the webhook is now. Pure."""

from consumer.events.event import Event, Record
from consumer.webhooks import ordering
from consumer.webhooks.subscription import Subscription


def line_of(subscription: Subscription, record: Record, event: Event) -> str | None:
    """Its line; None: the webhook, or the event, has none."""
    if subscription.ordering == ordering.NONE:
        return None
    return ordering.line_of(subscription.tenant, subscription.id, subscription.ordering, record.key, event.data)
