"""How many requests a key may make: a token bucket for each. Pure.

The law: in any span of time a key makes at most a second's worth of requests more than its rate allows.

Headers: draft-ietf-httpapi-ratelimit-headers, structured fields of RFC 9651.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MOST_KEYS: Final = 10_000
"""So many buckets are kept; one that was not used for longest is full again anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a request may go on, how many may follow at once, and in how many seconds there is room for more."""

    allowed: bool
    limit_per_s: int
    left: int
    wait_s: int

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says of it."""
        told = {
            "RateLimit-Policy": f'"key";q={self.limit_per_s};w=1',
            "RateLimit": f'"key";r={self.left};t={self.wait_s}',
        }
        return told if self.allowed else told | {"Retry-After": str(self.wait_s)}


class RateLimit:
    """The buckets of one process. Times are monotonic seconds."""

    def __init__(self, limit_per_s: int) -> None:
        self._limit_per_s = limit_per_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key_id: str, now_s: float) -> Verdict:
        """One request of this key, now."""
        held, at_s = self._buckets.pop(key_id, (float(self._limit_per_s), now_s))
        held = min(float(self._limit_per_s), held + (now_s - at_s) * self._limit_per_s)
        allowed = held >= 1.0
        held -= 1.0 if allowed else 0.0
        self._buckets[key_id] = (held, now_s)
        if len(self._buckets) > MOST_KEYS:
            self._buckets.popitem(last=False)
        missing = max(0.0, 1.0 - held) / self._limit_per_s
        return Verdict(
            allowed=allowed, limit_per_s=self._limit_per_s, left=math.floor(held), wait_s=max(1, math.ceil(missing))
        )
