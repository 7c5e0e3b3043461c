"""Whose webhooks a caller may see and change."""

from dataclasses import dataclass

from consumer.webhooks.subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A tenant under one brand. Another owner's webhooks do not exist for it."""

    tenant: str
    brand: str


def owner_of(subscription: Subscription) -> Owner:
    """The owner of a webhook."""
    return Owner(tenant=subscription.tenant, brand=subscription.brand)
