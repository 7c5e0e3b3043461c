"""The endpoints that do worst, whoever's they are.

The law: a look asks Redis in small parts and for a second at most, and the next one goes on from there. So 100,000
webhooks take several looks, and no customer waits for one.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consumer.log.health import Health
from consumer.portal.pills import FAILING_FROM
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.subscription import Subscription

MOST: Final = 20
FOR_S: Final = 1.0
_PART: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailing:
    """A webhook whose last requests were not accepted."""

    subscription: Subscription
    health: Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The worst of `looked` webhooks, of `there` in all. `failing` are all that fail, among those."""

    rows: tuple[Ailing, ...]
    failing: int
    looked: int
    there: int


class WorstEndpoints:
    """One thread at a time may look. `ids` are everybody's webhooks, `find` finds one."""

    def __init__(
        self,
        *,
        ids: Callable[[], Sequence[str]],
        find: Callable[[str], Subscription | None],
        healths: Callable[[Sequence[str]], Mapping[str, Health]],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ids = ids
        self._find = find
        self._healths = healths
        self._monotonic_s = monotonic_s
        self._next = 0
        self._round = False
        self._failing: dict[str, Health] = {}

    def look(self) -> Worst:
        """Go on, and tell.

        Raises:
            CacheUnavailable: health cannot be read.
        """
        ids = self._ids()
        self._go_on(ids)
        there = set(ids)
        self._failing = {id_: health for id_, health in self._failing.items() if id_ in there}
        worst = sorted(self._failing.items(), key=lambda each: (-each[1].errors_since_last_success, each[0]))
        found = ((self._find(id_), health) for id_, health in worst[:MOST])
        return Worst(
            rows=tuple(Ailing(subscription=each, health=health) for each, health in found if each is not None),
            failing=len(self._failing),
            looked=len(ids) if self._round else min(self._next, len(ids)),
            there=len(ids),
        )

    def _go_on(self, ids: Sequence[str]) -> None:
        until_s = self._monotonic_s() + FOR_S
        left = len(ids)
        while left > 0:
            if self._next >= len(ids):
                self._next = 0
            part = ids[self._next : self._next + _PART]
            self._take(part)
            self._next += len(part)
            self._round = self._round or self._next >= len(ids)
            left -= len(part)
            if self._monotonic_s() >= until_s:
                return

    def _take(self, part: Sequence[str]) -> None:
        known = self._healths(part)
        if not known:  # one that was never tried has a health too, where all are known
            raise CacheUnavailable("Redis does not answer, or its figures are still being filled")
        for id_ in part:
            health = known.get(id_)
            if health is not None and health.errors_since_last_success >= FAILING_FROM:
                self._failing[id_] = health
            else:
                self._failing.pop(id_, None)
