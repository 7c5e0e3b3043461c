"""The look-ups that Worker is given, in place of threads: asked now, answered a little later.

The law is Lookup's: every question gets its answer, in order.
"""

import random
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Generic, TypeVar

from consumer.delivery.names import Resolution
from consumer.delivery.tenants import Loading
from consumer.roles.tenant_lookup import AT_ONCE, Wanted
from tests.simulation.ports import Life

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class TenantReads:
    """The look-up of tenants: so many in one round trip, each of which takes the cache `tenant_us`.

    As consumer.roles.tenant_lookup has it, for tenants with few webhooks.
    """

    fd = -1

    def __init__(
        self, life: Life, dice: random.Random, read: Callable[[Wanted], Mapping[str, Loading]], us: int
    ) -> None:
        self._life = life
        self._dice = dice
        self._read = read
        self._us = us
        self._replies: list[Mapping[str, Loading]] = []
        self._last_ms = 0.0

    def ask(self, question: Wanted) -> None:
        """Ask for tenants; the replies come from `take`."""
        self._life.call()
        now_ms = self._life.timeline.now_ms
        asked = iter(question.items())
        while batch := dict(islice(asked, AT_ONCE)):
            took_ms = self._dice.randrange(1, 10) if self._us == 0 else len(batch) * self._us / 1_000
            began_ms = now_ms if self._us == 0 else max(self._last_ms, now_ms)
            self._last_ms = max(self._last_ms, began_ms + took_ms)
            self._life.later(int(self._last_ms) - now_ms, partial(self._reply, batch))

    def ask_alone(self, question: Wanted) -> None:
        """Nobody here has many webhooks."""
        self.ask(question)

    def take(self) -> list[Mapping[str, Loading]]:
        """The replies that have come."""
        replies, self._replies = self._replies, []
        return replies

    def close(self) -> None:
        """Nothing is to be ended."""

    def _reply(self, wanted: Wanted) -> None:
        self._replies.append(self._read(wanted))


class Lookup(Generic[Question, Reply]):
    """One look-up of one process; `answer` is called when the question arrives."""

    fd = -1

    def __init__(self, life: Life, dice: random.Random, answer: Callable[[Question], Reply]) -> None:
        self._life = life
        self._dice = dice
        self._answer = answer
        self._replies: list[Reply] = []
        self._last_ms = 0

    def ask(self, question: Question) -> None:
        """Ask; the reply comes from `take`."""
        self._life.call()
        now_ms = self._life.timeline.now_ms
        self._last_ms = max(self._last_ms, now_ms + self._dice.randrange(1, 10))
        self._life.later(self._last_ms - now_ms, lambda: self._replies.append(self._answer(question)))

    def take(self) -> list[Reply]:
        """The replies that have come."""
        replies, self._replies = self._replies, []
        return replies

    def close(self) -> None:
        """Nothing is to be ended."""


class NoNames:
    """Here every endpoint has an address: the core asks for no name."""

    fd = -1

    def take(self) -> list[tuple[str, Resolution]]:
        """None was asked for."""
        return []

    def close(self) -> None:
        """Nothing is to be ended."""
