"""Simulated time.

The law: what is due earlier happens earlier, and of two things due at once the one asked for first.
"""

import heapq
from collections.abc import Callable
from typing import Final

START_MS: Final = 1_790_000_000_000


class Timeline:
    """`now_ms` is the true time, which no process of the simulated installation ever sees."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._asked = 0

    def at(self, at_ms: int, act: Callable[[], None]) -> None:
        """Let it happen then, or now if that has passed."""
        self._asked += 1
        heapq.heappush(self._due, (at_ms, self._asked, act))

    def after(self, wait_ms: int, act: Callable[[], None]) -> None:
        """Let it happen in `wait_ms`."""
        self.at(self.now_ms + wait_ms, act)

    @property
    def next_ms(self) -> int | None:
        """When the next thing happens."""
        return self._due[0][0] if self._due else None

    def advance(self, until_ms: int) -> None:
        """Let everything happen that is due by then. May be called by what happens: a drain waits inside its turn."""
        while self._due and self._due[0][0] <= until_ms:
            due_ms, _, act = heapq.heappop(self._due)
            self.now_ms = max(self.now_ms, due_ms)
            act()
        self.now_ms = max(self.now_ms, until_ms)
