"""What one world of capacity is: its webhooks, what their endpoints can take, when they are sent what.

The law: a case holds no chance; the seed of its plan decides what it does not say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Silence(StrEnum):
    """How an endpoint is away."""

    REFUSES = "refuses"
    HANGS = "hangs"
    UNAVAILABLE = "503"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """From when on, in ms since the world's start, and for how long. With `every_ms` it comes again and again."""

    from_ms: int
    for_ms: int
    kind: Silence = Silence.REFUSES
    every_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        """Whether it is away then."""
        since_ms = at_ms - self.from_ms
        if self.every_ms is not None and since_ms >= 0:
            since_ms %= self.every_ms
        return 0 <= since_ms < self.for_ms

    def over_ms(self, at_ms: int) -> int:
        """When it is back, as of a moment at which it is away."""
        since_ms = at_ms - self.from_ms
        if self.every_ms is not None:
            since_ms %= self.every_ms
        return at_ms - since_ms + self.for_ms

    def last_over_ms(self, at_ms: int) -> int:
        """When it was over last, as of a moment at which it is not away; -1: not yet."""
        if at_ms < self.from_ms:
            return -1
        return self.over_ms(at_ms) if self.every_ms is not None else self.from_ms + self.for_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What an endpoint can take.

    An answer takes `takes_ms`, from the times in `changes` on (ms since the start) as long as they say. With `at_once`
    it works on so many requests and the others stand in line at its door: latency grows with concurrency. What comes
    faster than `rate_per_s` is answered with `refusal`, and with Retry-After where `asks_s` is given.
    """

    takes_ms: int = 40
    changes: tuple[tuple[int, int], ...] = ()
    at_once: int | None = None
    rate_per_s: float | None = None
    refusal: int = 429
    asks_s: int | None = None
    outages: tuple[Outage, ...] = ()

    def takes_at(self, at_ms: int) -> int:
        """How long an answer takes that is begun then."""
        took_ms = self.takes_ms
        for from_ms, takes_ms in self.changes:
            if at_ms >= from_ms:
                took_ms = takes_ms
        return took_ms

    def outage(self, at_ms: int) -> Outage | None:
        """The outage that holds then."""
        return next((outage for outage in self.outages if outage.holds(at_ms)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """`count` events from a time on: all at once, or one every `every_ms`."""

    count: int
    from_ms: int = 0
    every_ms: float = 0.0

    def times(self) -> list[int]:
        """When each is published, in ms since the start."""
        return [self.from_ms + int(number * self.every_ms) for number in range(self.count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook, its endpoint and what it is sent. Each is the only one of its tenant."""

    flows: tuple[Flow, ...]
    endpoint: Endpoint = field(default_factory=Endpoint)
    rate_per_s: float | None = None
    max_concurrency: int | None = None
    timeout_ms: int = 10_000
    payload_bytes: int = 20

    def per_s(self, at_ms: int, at_once: int) -> float:
        """What it can be given a second then, with so many requests at once on our side; 0 while it is away."""
        endpoint = self.endpoint
        if endpoint.outage(at_ms) is not None:
            return 0.0
        at_once = min(most for most in (at_once, self.max_concurrency, endpoint.at_once) if most is not None)
        rates = [at_once * 1_000 / endpoint.takes_at(at_ms), self.rate_per_s, endpoint.rate_per_s]
        return min(rate for rate in rates if rate is not None)

    def arrivals(self) -> list[int]:
        """When its events are published, in order."""
        return sorted(time for flow in self.flows for time in flow.times())

    @property
    def is_healthy(self) -> bool:
        """Whether its endpoint accepts whatever it is sent, sooner or later: nothing of it may expire."""
        return not self.endpoint.outages and self.endpoint.rate_per_s is None

    @property
    def is_plain(self) -> bool:
        """Whether nothing ever makes it wait."""
        unlimited = self.rate_per_s is None and self.max_concurrency is None and self.endpoint.at_once is None
        return unlimited and self.is_healthy and self.endpoint.takes_ms < 500 and not self.endpoint.changes


def ideal(webhook: Webhook, at_once: int, resolution_ms: int = 250) -> list[int]:
    """When each event would end if it were given all it can take, always, one behind the other.

    In ms since the start, in the order of publishing: the work needed.
    """
    ends: list[int] = []
    free_ms = 0.0
    for at_ms in webhook.arrivals():
        free_ms = max(free_ms, float(at_ms))
        while (rate := webhook.per_s(int(free_ms), at_once)) == 0.0:
            outage = webhook.endpoint.outage(int(free_ms))
            free_ms = float(outage.over_ms(int(free_ms))) if outage is not None else free_ms + resolution_ms
        ends.append(int(free_ms) + webhook.endpoint.takes_at(int(free_ms)))
        free_ms += 1_000 / rate
    return ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A world. `processes` of each role; `tenants_us`: what the cache takes to read one tenant.

    `lane_concurrency` and `in_flight` as the settings of those names; `memory_bytes` is what a process may take beside
    the program itself, None for the default.
    """

    name: str
    webhooks: tuple[Webhook, ...]
    processes: int = 1
    partitions: int = 4
    lane_concurrency: int = 32
    in_flight: int = 1_024
    turn_ms: int = 20
    tenants_us: int = 0
    memory_bytes: int | None = None
    faults: float = 0.0
    faults_for_ms: int = 0

    @property
    def deliveries(self) -> int:
        """All of it."""
        return sum(flow.count for webhook in self.webhooks for flow in webhook.flows)

    @property
    def burst(self) -> int:
        """The most that is published at once."""
        flows = (flow for webhook in self.webhooks for flow in webhook.flows)
        return max((flow.count for flow in flows if flow.every_ms == 0), default=0)

    def until_ms(self) -> int:
        """When the last event is published."""
        return max(webhook.arrivals()[-1] for webhook in self.webhooks)


def share(values: Sequence[int], part: float) -> int:
    """The value that this part of them does not exceed; 0 of none."""
    if not values:
        return 0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
