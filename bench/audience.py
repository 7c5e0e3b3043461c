"""Whom the events are for: webhooks of several tenants, and events that match exactly one of them each.

One event, one delivery: the dearest kind, because decoding and matching are shared with no other.
"""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

EVENT_BYTES = 1_024
PUBLISHED = b'"published_ns":'  # followed by 19 digits, in every event and so in every request's body

_WORDS = (
    *("order", "invoice", "customer", "shipped", "pending", "refund", "address", "quantity", "warehouse", "parcel"),
    *("express", "priority", "gift", "note", "currency", "total", "discount", "voucher", "returned", "partial"),
    *("carrier", "tracking", "signature", "neighbour", "reception", "morning"),
)
_TEXTS = tuple(" ".join(random.Random(seed).choices(_WORDS, k=160)) for seed in range(64))  # compresses as prose does


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """`url` is given a webhook's number, as are its limits.

    Webhooks of one group want the same events, `fan_out` of them each. Event `n` is for group `n % groups`.
    """

    name: str
    webhooks: int
    tenants: int
    url: Callable[[int], str]
    rate_per_s: Callable[[int], float | None] = lambda _webhook: None
    max_concurrency: Callable[[int], int | None] = lambda _webhook: None
    ordering: str = "none"
    fan_out: int = 1
    event_bytes: int = EVENT_BYTES

    @property
    def groups(self) -> int:
        return self.webhooks // self.fan_out

    def id(self, webhook: int) -> str:
        return f"{self.name}_{webhook}"

    def tenant(self, webhook: int) -> str:
        return f"{self.name}-{webhook % self.groups % self.tenants}"

    def event_type(self, webhook: int) -> str:
        return f"order.kind{webhook % self.groups // self.tenants}"

    def event(self, number: int) -> bytes:
        """Event `number` as JSON of `event_bytes`, or the least it takes, stamped with the time of the call."""
        webhook = number % self.groups
        envelope = {
            "id": f"{self.name}{number}",
            "type": self.event_type(webhook),
            "tenant": self.tenant(webhook),
            "data": {"published_ns": time.time_ns(), "webhook": webhook, "number": number, "text": ""},
        }
        empty = json.dumps(envelope, separators=(",", ":"))
        wanted = max(0, self.event_bytes - len(empty))
        prose = _TEXTS[number % len(_TEXTS)]
        text = (prose * (1 + wanted // len(prose)))[:wanted]
        return f'{empty[:-3]}{text}"}}}}'.encode()


def hundred(url: str) -> Audience:
    """A hundred webhooks of twenty tenants: who most measurements are for. Each has its number behind the URL."""
    return Audience(name="wh", webhooks=100, tenants=20, url=lambda number: f"{url}{number}")
