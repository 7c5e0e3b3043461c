"""All that is sealed in a webhook, in one place: whoever seals it again leaves nothing out. Pure."""

from collections.abc import Callable
from dataclasses import replace

from consumer.webhooks.subscription import SealedSecret, Subscription


def seals(webhook: Subscription) -> tuple[SealedSecret, ...]:
    """Each seal: its secrets, its headers, its TLS."""
    former = (each.secret for each in webhook.former_secrets)
    optional = (webhook.sealed_headers, None if webhook.tls is None else webhook.tls.sealed)
    return (webhook.secret, *former, *(each for each in optional if each is not None))


def with_seals(webhook: Subscription, again: Callable[[SealedSecret], SealedSecret]) -> Subscription:
    """The same webhook with each seal as `again` leaves it."""
    headers, tls = webhook.sealed_headers, webhook.tls
    return replace(
        webhook,
        secret=again(webhook.secret),
        former_secrets=tuple(replace(each, secret=again(each.secret)) for each in webhook.former_secrets),
        sealed_headers=None if headers is None else again(headers),
        tls=None if tls is None else replace(tls, sealed=again(tls.sealed)),
    )
