"""The figures of one partition of the attempts topic, in memory, and what of them Redis does not hold yet. Pure.

The law: `offset` is what the figures stand for: every attempt before it is in them, once, and none from it on. An
attempt below it, read again for whatever reason, changes nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from consumer.log.health import NO_HEALTH, Health, Sent, folded

_JUST_TRIED_MS: Final = 60_000


@dataclass(slots=True, kw_only=True)
class Figures:
    """`stand` is what Redis is known to call them; `asked`, what a write called them that got no answer.

    `anew`: whatever Redis holds under this stand is not of these figures.
    """

    stand: str
    offset: int
    health: dict[str, Health] = field(default_factory=dict)
    asked: str | None = None
    anew: bool = False
    changed: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)

    def fold(self, offset: int, name: str, sent: Sent, counts_from_ms: Callable[[str], int]) -> Health | None:
        """Take the attempt at this offset in; its webhook's health then, None if it had been taken in before."""
        if offset < self.offset:
            return None
        self.offset = offset + 1
        was = self.health.get(name, NO_HEALTH)
        # Only a failure has to be looked up: when did its webhook become active?
        since_ms = 0 if sent.outcome == "delivered" else counts_from_ms(name)
        health = folded(was, sent, counts_from_ms=since_ms)
        if health is not was:
            self.health[name] = health
            self.changed.add(name)
            self.dropped.discard(name)
        return health

    def told(self, name: str, since_ms: int | None) -> None:
        """The webhook's owner was told since when it fails, or (None) that it does no more."""
        if (health := self.health.get(name)) is not None:
            self.health[name] = replace(health, told_failing_ms=since_ms)
            self.changed.add(name)

    def passed(self, offset: int) -> None:
        """The record at this offset is none to be folded."""
        self.offset = max(self.offset, offset + 1)

    def rewound(self) -> None:
        """The log was made anew: its offsets count from the beginning again. The endpoints are what they were."""
        self.offset = 0

    def drop(self, names: Iterable[str]) -> None:
        """Forget these webhooks."""
        for name in names:
            del self.health[name]
            self.changed.discard(name)
            self.dropped.add(name)

    def written(self) -> None:
        """Redis holds all of it."""
        self.stand, self.asked, self.anew = str(self.offset), None, False
        self.changed.clear()
        self.dropped.clear()


def forgotten(figures: Figures, *, before_ms: int, now_ms: int, exists: Callable[[str], bool]) -> list[str]:
    """The webhooks whose figures go: without an attempt since `before_ms`, or deleted.

    One that was just tried is taken to exist: who answers `exists` may have heard of it later than its first attempt.
    """
    return [
        name
        for name, health in figures.health.items()
        if health.last_attempt_at_ms < before_ms
        or (health.last_attempt_at_ms < now_ms - _JUST_TRIED_MS and not exists(name))
    ]
