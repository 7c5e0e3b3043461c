"""What the demo publishes, to whom it must come, and what came of it. Pure.

The law: the truth is what the receivers saw. Every (event, webhook) pair must have been accepted by its receiver or
lie in the dead letters; a request that its webhook does not want, or whose signature does not verify, fails the demo.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

FLAKY_FAILURES = 2
SLOW_S = 3.0


class Conduct(StrEnum):
    """How an endpoint behaves."""

    HEALTHY = "healthy"
    FLAKY = "flaky"
    SLOW = "slow"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook of the demo. `signing` of None is the brand's; `header` carries the profiles other than Standard's."""

    name: str
    tenant: str
    conduct: Conduct
    event_types: tuple[str, ...] = ()
    brand: str = "hookline"
    signing: str | None = None
    header: str = ""

    def wants(self, event: "Published") -> bool:
        """Whether this event must come here: said here again in its own words, not by the code under show."""
        if event.tenant != self.tenant:
            return False
        return not self.event_types or any(
            event.type.startswith(wanted[:-1]) if wanted.endswith(".*") else event.type == wanted
            for wanted in self.event_types
        )


HOOKS = (
    Hook(name="crm", tenant="acme", conduct=Conduct.HEALTHY),
    Hook(
        name="ledger",
        tenant="acme",
        conduct=Conduct.FLAKY,
        event_types=("order.*",),
        signing="stripe",
        header="Hookline-Signature",
    ),
    Hook(name="search", tenant="acme", conduct=Conduct.SLOW, event_types=("order.paid",), signing="ed25519"),
    Hook(name="warehouse", tenant="acme", conduct=Conduct.DEAD, event_types=("order.*",)),
    Hook(
        name="docs",
        tenant="acme",
        conduct=Conduct.HEALTHY,
        event_types=("customer.*", "order.paid"),
        brand="mintlify",
        header="X-Signature-256",
    ),
    Hook(name="notes", tenant="lab", conduct=Conduct.HEALTHY, brand="convo", header="X-Convo-Signature"),
)
BY_NAME = {hook.name: hook for hook in HOOKS}

_TURNS = (
    ("acme", "order.created"),
    ("acme", "order.paid"),
    ("lab", "transcript.ready"),
    ("acme", "customer.updated"),
    ("lab", "conversation.shared"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An event of the demo."""

    id: str
    type: str
    tenant: str

    def value(self, now: datetime) -> bytes:
        """The record's value: the JSON envelope. `data` repeats the id, for receivers under every payload format."""
        time = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        data = {"id": self.id, "amount": 4200, "currency": "EUR", "note": "café ☕"}
        envelope = {"id": self.id, "type": self.type, "tenant": self.tenant, "time": time, "data": data}
        return json.dumps(envelope, ensure_ascii=False).encode()


def event(number: int) -> Published:
    """The demo's n-th event."""
    tenant, event_type = _TURNS[number % len(_TURNS)]
    return Published(id=f"evt_{number:06}", type=event_type, tenant=tenant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One request as its receiver saw it, and what it answered. `event_id` is empty when the body held none."""

    hook: str
    event_id: str
    status: int
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One webhook's line of the table."""

    hook: Hook
    wanted: int
    delivered: int
    attempts: int
    retries: int
    dead: int
    replayed: int
    last_status: int | None
    verified: int


@dataclass(slots=True)
class _Seen:
    statuses: Counter[str] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)
    replayed: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    verified: int = 0
    attempts: int = 0
    last_status: int | None = None


class Tally:
    """What the webhooks want of the events, what the receivers saw, what lies in the dead letters."""

    def __init__(self) -> None:
        self._wanted: dict[str, set[str]] = {hook.name: set() for hook in HOOKS}
        self._seen = {hook.name: _Seen() for hook in HOOKS}
        self._dead_deliveries: dict[str, tuple[str, str]] = {}
        self.events = 0
        self.wrong: list[str] = []

    def published(self, event: Published) -> None:
        """Kafka acknowledged this event: from now on it has to come to whoever wants it."""
        self.events += 1
        for hook in HOOKS:
            if hook.wants(event):
                self._wanted[hook.name].add(event.id)

    def received(self, receipt: Receipt) -> None:
        """A receiver answered a request."""
        seen = self._seen[receipt.hook]
        seen.attempts += 1
        seen.statuses[receipt.event_id] += 1
        seen.last_status = receipt.status
        seen.verified += receipt.verified
        if not receipt.verified:
            self.wrong.append(f"{receipt.hook}: a request for {receipt.event_id or 'nothing'} with a wrong signature")
        if receipt.status < 300:  # noqa: PLR2004  # HTTP's 2xx, of the few that our receivers answer
            seen.accepted.add(receipt.event_id)
            if receipt.event_id in seen.dead:
                seen.replayed.add(receipt.event_id)

    def died(self, delivery_id: str, hook: str, event_id: str) -> None:
        """A dead letter was read; repeats of one delivery id are one dead letter."""
        self._dead_deliveries[delivery_id] = (hook, event_id)
        self._seen[hook].dead.add(event_id)

    @property
    def dead_deliveries(self) -> frozenset[str]:
        """The delivery ids in the dead letters whose event its receiver did not accept afterwards."""
        return frozenset(
            delivery_id
            for delivery_id, (hook, event_id) in self._dead_deliveries.items()
            if event_id not in self._seen[hook].accepted
        )

    def open(self) -> list[tuple[str, str]]:
        """The (webhook, event id) pairs neither accepted nor dead."""
        return [
            (hook, event_id)
            for hook, wanted in self._wanted.items()
            for event_id in sorted(wanted - self._seen[hook].accepted - self._seen[hook].dead)
        ]

    def invented(self) -> Iterator[tuple[str, str]]:
        """Pairs that a receiver saw and its webhook does not want. Call it when every published event was counted."""
        for hook, seen in self._seen.items():
            for event_id in sorted(set(seen.statuses) - self._wanted[hook]):
                yield hook, event_id

    def faults(self) -> list[str]:
        """Everything that is not as it should be, at the end; empty is the proof."""
        return [
            *(f"{hook}: {event_id} was neither delivered nor dead-lettered" for hook, event_id in self.open()),
            *(
                f"{hook}: {event_id or 'a request without event'} came, and this webhook does not want it"
                for hook, event_id in self.invented()
            ),
            *self.wrong,
        ]

    def rows(self) -> list[Row]:
        """What came of each webhook's deliveries, a row for each."""
        return [
            Row(
                hook=hook,
                wanted=len(self._wanted[hook.name]),
                delivered=len(seen.accepted),
                attempts=seen.attempts,
                retries=seen.attempts - len(seen.statuses),
                dead=len(seen.dead),
                replayed=len(seen.replayed),
                last_status=seen.last_status,
                verified=seen.verified,
            )
            for hook, seen in zip(HOOKS, self._seen.values(), strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When what happens, in seconds since the start. `for_s` of None runs until somebody stops it."""

    for_s: float | None

    DEAD_FOR_S = 20.0
    MENDED_FOR_S = 15.0
    TAIL_S = 10.0  # the tiers' delays, a slow answer, and the replay
    LEAST_S = 4.0  # a group's first join takes the mock cluster 3 to 4 s

    @property
    def publish_until_s(self) -> float:
        """When to stop publishing."""
        return float("inf") if self.for_s is None else max(self.LEAST_S, self.for_s - self.TAIL_S)

    def mended_at(self, elapsed_s: float) -> bool:
        """Whether the dead endpoint is mended while events are still published."""
        return self.for_s is None and elapsed_s % (self.DEAD_FOR_S + self.MENDED_FOR_S) >= self.DEAD_FOR_S
