"""Which dead letters are meant.

The law: a filter is a pure predicate on one dead letter; all that are given must hold, and none given means all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from consumer.delivery.delivery import DeadLetter
from consumer.settings import duration_ms

_BELOW = ".*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Values of one filter are alternatives. `since_ms` is included, `until_ms` is not; both are about `failed_at`."""

    ids: frozenset[str] = frozenset()
    webhooks: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    types: tuple[str, ...] = ()
    reasons: frozenset[str] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None

    def __bool__(self) -> bool:
        return self != Filters()

    def match(self, dead_letter: DeadLetter) -> bool:
        """Whether every filter holds."""
        return all(holds(dead_letter) for holds in self.predicates())

    def predicates(self) -> tuple[Callable[[DeadLetter], bool], ...]:
        """One for each filter that is given."""
        given: list[Callable[[DeadLetter], bool]] = []
        if self.ids:
            given.append(lambda dead_letter: dead_letter.delivery.id in self.ids)
        if self.webhooks:
            given.append(lambda dead_letter: dead_letter.delivery.subscription_id in self.webhooks)
        if self.tenants:
            given.append(lambda dead_letter: dead_letter.delivery.event.tenant in self.tenants)
        if self.brands:
            given.append(lambda dead_letter: dead_letter.brand in self.brands)
        if self.types:
            given.append(lambda dead_letter: any(_is_of(dead_letter.delivery.event.type, each) for each in self.types))
        if self.reasons:
            given.append(lambda dead_letter: dead_letter.reason in self.reasons)
        if (since_ms := self.since_ms) is not None:
            given.append(lambda dead_letter: dead_letter.failed_at_ms >= since_ms)
        if (until_ms := self.until_ms) is not None:
            given.append(lambda dead_letter: dead_letter.failed_at_ms < until_ms)
        return tuple(given)


def moment_ms(text: str, now_ms: int) -> int:
    """Read a moment: RFC 3339 with its zone, or a duration such as 2h, which is that long ago. Epoch milliseconds.

    Raises:
        ValueError: it is neither; the message says what to write.
    """
    try:
        return now_ms - duration_ms(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{text!r} is no moment: write it as in 2026-01-31T12:00:00Z, or how long ago, as in 2h")
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000)


def _is_of(event_type: str, wanted: str) -> bool:
    """Exactly this type, or `prefix.*` at any depth, as a webhook chooses its types."""
    if wanted.endswith(_BELOW):
        return event_type.startswith(wanted.removesuffix("*"))
    return wanted in {event_type, "*"}
