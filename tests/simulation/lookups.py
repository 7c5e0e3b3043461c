"""The look-ups that Worker is given, in place of threads: asked now, answered a little later.

The law is Lookup's: every question gets its answer, in order.
"""

import random
from collections.abc import Callable
from typing import Generic, TypeVar

from tests.simulation.ports import Life

Question = TypeVar("Question")
Reply = TypeVar("Reply")


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
