"""Which webhooks of a list are meant.

The law: what is given must all hold, and nothing given means all. Pure.
"""

from dataclasses import dataclass
from typing import Final

from consumer.text import EVERY
from consumer.webhooks.subscription import Status, Subscription

_BELOW: Final = ".*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`event_type`: who would be sent it, filters aside; of `prefix.*`, all below it. `url`: a part of it."""

    status: Status | None = None
    event_type: str | None = None
    product: str | None = None
    url: str | None = None

    def __bool__(self) -> bool:
        return self != Chosen()

    def matches(self, subscription: Subscription) -> bool:
        """Whether this one is meant."""
        return (
            self.status in {None, subscription.status}
            and self.product in {None, subscription.product}
            and (self.url is None or self.url.casefold() in subscription.url.casefold())
            and (self.event_type is None or _receives(subscription, self.event_type))
        )


def _receives(subscription: Subscription, event_type: str) -> bool:
    return any(_covers(pattern, event_type) for pattern in subscription.event_types or (EVERY,))


def _covers(pattern: str, event_type: str) -> bool:
    if pattern.endswith(_BELOW):
        return event_type.startswith(pattern.removesuffix(EVERY))
    return pattern in {EVERY, event_type}
