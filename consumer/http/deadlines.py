"""When each of many requests is over, found again without looking at the others. Pure.

The law: what is due is told once, never early, and at most EXACT_S late.

Requests are many and hardly any gets that far, so each is put into the slot of its moment and taken out again, which
costs the same however many there are.
"""

from heapq import heappop, heappush
from math import ceil
from typing import Final

_SLOTS_A_S: Final = 128
EXACT_S: Final = 1 / _SLOTS_A_S


class Deadlines:
    """By token: each has one at a time."""

    __slots__ = ("_order", "_slot_of", "_slots")

    def __init__(self) -> None:
        self._slot_of: dict[int, int] = {}
        self._slots: dict[int, set[int]] = {}
        self._order: list[int] = []  # a heap of slots; those that are empty by now stay until they come first

    def set(self, token: int, when_s: float) -> None:
        """It has none so far."""
        slot = ceil(when_s * _SLOTS_A_S)
        self._slot_of[token] = slot
        tokens = self._slots.get(slot)
        if tokens is None:
            self._slots[slot] = {token}
            heappush(self._order, slot)
        else:
            tokens.add(token)

    def clear(self, token: int) -> None:
        """It has ended, if it had one."""
        slot = self._slot_of.pop(token, None)
        if slot is not None:
            self._slots[slot].discard(token)

    def due(self, now_s: float) -> list[int]:
        """Those that are over now; they have none any more."""
        due: list[int] = []
        while self._order and self._order[0] <= now_s * _SLOTS_A_S:
            tokens = self._slots.pop(heappop(self._order))
            for token in tokens:
                del self._slot_of[token]
            due.extend(tokens)
        return due

    @property
    def next_s(self) -> float | None:
        """When the next one is over."""
        while self._order and not self._slots[self._order[0]]:
            del self._slots[heappop(self._order)]
        return self._order[0] / _SLOTS_A_S if self._order else None
