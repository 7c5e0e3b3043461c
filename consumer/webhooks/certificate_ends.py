"""When the certificates end that a webhook's requests need. Pure.

A client certificate that has ended and an authority of the webhook's own that has fail its requests alike: what counts
is the earlier end. A webhook to which nothing is sent needs none.
"""

from enum import StrEnum, unique
from typing import Final

from consumer.webhooks.subscription import Status, Subscription

SOON_MS: Final = 14 * 24 * 3_600_000


@unique
class Ending(StrEnum):
    """What is to be said of an end."""

    ENDING = "ending"  # within 14 days
    ENDED = "ended"


def end_ms(subscription: Subscription) -> int | None:
    """When the first of its certificates ends; None: it needs none."""
    tls = subscription.tls
    if tls is None or subscription.status is not Status.ACTIVE:
        return None
    ends = [each for each in (tls.certificate_until_ms, tls.authorities_until_ms) if each is not None]
    return min(ends, default=None)


def ending(end_ms: int, now_ms: int) -> Ending | None:
    """What is to be said now of a certificate that ends then; None: it is far away."""
    if end_ms <= now_ms:
        return Ending.ENDED
    return Ending.ENDING if end_ms - now_ms <= SOON_MS else None
