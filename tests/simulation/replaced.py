"""What was sent again and accepted: told from process to process, as consumer.roles.replaced does it with Redis.

The law: a word is lost where Redis is away or flushed, or its teller dies first; none is made up.
"""

import random
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.ports import Life

if TYPE_CHECKING:
    from tests.simulation.cache import Redis

_LOOK_EVERY_MS = 1_000


class Told:
    """What Redis has of it, and who looks there."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._names: list[str] = []
        self._flushes = 0
        self._present: list[News] = []

    def join(self, news: "News") -> None:
        """This process looks from now on, first for all that is there."""
        self._present = [each for each in self._present if each.life.alive]
        self._present.append(news)
        news.look()

    def add(self, names: Sequence[str]) -> None:
        """Of these deliveries no further try is wanted. Dropped while Redis is away."""
        if not self._redis.up:
            return
        self._befall()
        self._names += names
        for news in self._present:
            news.look()

    def after(self, number: int) -> tuple[Sequence[str], int] | None:
        """What came after so many, and how many there are now; None while Redis is away."""
        if not self._redis.up:
            return None
        self._befall()
        return self._names[number:], len(self._names)

    def _befall(self) -> None:
        if self._redis.flushes != self._flushes:
            self._flushes = self._redis.flushes
            self._names.clear()


class News:
    """One process's way there: it looks once a second, as far as there is anything to see."""

    fd = -1

    def __init__(self, life: Life, told: Told, dice: random.Random) -> None:
        self.life = life
        self._told = told
        self._dice = dice
        self._known = 0
        self._heard: list[Sequence[str]] = []
        told.join(self)

    def tell(self, names: Sequence[str]) -> None:
        """Of these deliveries no further try is wanted."""
        self.life.call()
        self.life.later(self._dice.randrange(1, 10), partial(self._told.add, names))

    def take(self) -> list[Sequence[str]]:
        """What is new."""
        heard, self._heard = self._heard, []
        return heard

    def close(self) -> None:
        """Nothing is to be ended."""

    def look(self) -> None:
        """There is something to be seen at the next look."""
        self.life.later(self._dice.randrange(1, _LOOK_EVERY_MS), self._look)

    def _look(self) -> None:
        found = self._told.after(self._known)
        if found is None:
            self.look()
            return
        names, self._known = found
        if names:
            self._heard.append(names)
