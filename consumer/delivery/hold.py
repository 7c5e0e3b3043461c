"""The records of the delay topics until they are due.

The law: no record leaves before its due time by the broker's clock, and a partition never holds more than its share of
memory: it is paused when full and resumed at half.
"""

import heapq
from itertools import count
from typing import TypeAlias

from consumer.delivery.delivery import Chunk, Delivery
from consumer.delivery.offsets import Entry, Window

Delayed: TypeAlias = Delivery | Chunk

RECORDS_MOST = 1_000
BYTES_MOST = 1_048_576
_PROCESS_BYTES_MOST = 64 * 1_048_576


class Hold:
    """Held records in the order of their due times, counted by partition."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Entry, Delayed, int]] = []
        self._order = count()
        self._bytes = 0

    def put(self, entry: Entry, delayed: Delayed, *, due_ms: int, size: int) -> None:
        """Hold a record of `size` bytes."""
        heapq.heappush(self._due, (due_ms, next(self._order), entry, delayed, size))
        entry.window.held += 1
        entry.window.held_bytes += size
        self._bytes += size

    def take(self, broker_now_ms: int, most: int) -> list[tuple[Entry, Delayed]]:
        """The records that are due, at most `most`, without those of closed windows."""
        taken: list[tuple[Entry, Delayed]] = []
        while self._due and self._due[0][0] <= broker_now_ms and len(taken) < most:
            _, _, entry, delayed, size = heapq.heappop(self._due)
            entry.window.held -= 1
            entry.window.held_bytes -= size
            self._bytes -= size
            if not entry.window.closed:
                taken.append((entry, delayed))
        return taken

    def is_full(self, window: Window) -> bool:
        """Whether the partition holds its share. One without any may always take some."""
        share = BYTES_MOST if self._bytes < _PROCESS_BYTES_MOST else BYTES_MOST // 16
        return window.held >= RECORDS_MOST or window.held_bytes >= share

    def is_half_empty(self, window: Window) -> bool:
        """Whether a paused partition may be resumed."""
        return window.held <= RECORDS_MOST // 2 and window.held_bytes <= BYTES_MOST // 2

    def drop_closed(self) -> None:
        """Forget the records of closed windows at once."""
        kept = [held for held in self._due if not held[2].window.closed]
        self._bytes = sum(held[4] for held in kept)
        heapq.heapify(kept)
        self._due = kept

    def next_due_ms(self) -> int | None:
        """When the next record is due, by the broker's clock."""
        return self._due[0][0] if self._due else None
