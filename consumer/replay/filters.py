"""Which dead letters are meant.

The law: a filter is a pure predicate on one dead letter; all that are given must hold, and none given means all.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from consumer.delivery.delivery import DeadLetter
from consumer.events.times import milliseconds
from consumer.setting_values import duration_ms

MOMENTS: Final = "is no moment: write it as in 2026-01-31T12:00:00Z or 2026-01-31, or how long ago it was, as in 2h"

_BELOW = ".*"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SPACED = re.compile(rf"({_DATE.pattern}) ")  # RFC 3339 section 5.6 lets a space stand for the T
# Longer ago than any setting's duration may be: whatever the unit, before 1970.
_LONG_AGO = re.compile(r"[0-9]{19,}(ms|s|m|h|d)")


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
    """Read a moment as epoch milliseconds: RFC 3339, a date (its midnight in UTC), or how long ago it was, as in 2h.

    Nothing failed before 1970: what lies earlier, however far, is the beginning.

    Raises:
        ValueError: it is none of them; the message says what to write.
    """
    if _LONG_AGO.fullmatch(text):
        return 0
    dated = f"{text}T00:00:00Z" if _DATE.fullmatch(text) else _SPACED.sub(r"\1T", text)
    at_ms = milliseconds(dated)
    try:
        return max(0, now_ms - duration_ms(text) if at_ms is None else at_ms)
    except ValueError:
        raise ValueError(MOMENTS) from None


def _is_of(event_type: str, wanted: str) -> bool:
    """Exactly this type, or `prefix.*` at any depth, as a webhook chooses its types."""
    if wanted.endswith(_BELOW):
        return event_type.startswith(wanted.removesuffix("*"))
    return wanted in {event_type, "*"}
