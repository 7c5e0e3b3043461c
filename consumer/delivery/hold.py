"""The records of the delay topics until they are due.

The law: no record leaves before its due time by the clock of the broker that appended it, and a partition never holds
more than its share of memory: it is paused when full and resumed at half.
"""

import heapq
from collections.abc import Iterator
from itertools import count
from typing import Final, Protocol, TypeAlias

from consumer.delivery.delivery import Chunk, Delivery
from consumer.delivery.offsets import Entry, Window

Delayed: TypeAlias = Delivery | Chunk
Leader: TypeAlias = tuple[str, int, int | None]
"""Whose clock a record has: its topic, its partition and its leader epoch, which is None where Kafka does not tell."""

_Held: TypeAlias = tuple[int, int, Entry, Delayed, int]

RECORDS_MOST = 1_000
BYTES_MOST = 1_048_576
_PROCESS_BYTES_MOST = 64 * 1_048_576


class Clocks(Protocol):
    """What is known of the brokers' clocks."""

    def skew_ms(self, leader: Leader, our_now_ms: int) -> int | None:
        """The leader's clock minus ours, never more than it is. None: not known, and nothing of it is due."""


class OurClock:
    """Brokers that have our time."""

    def skew_ms(self, leader: Leader, our_now_ms: int) -> int | None:
        """None between us."""
        del leader, our_now_ms
        return 0


OUR_CLOCK: Final = OurClock()


class Hold:
    """Held records in the order of their due times, counted by partition."""

    def __init__(self, clocks: Clocks = OUR_CLOCK) -> None:
        self._clocks = clocks
        self._due: dict[Leader, list[_Held]] = {}
        self._order = count()
        self._bytes = 0

    def put(self, entry: Entry, delayed: Delayed, *, leader: Leader, due_ms: int, size: int) -> None:
        """Hold a record of `size` bytes that is due at `due_ms` by its leader's clock."""
        heapq.heappush(self._due.setdefault(leader, []), (due_ms, next(self._order), entry, delayed, size))
        entry.window.held += 1
        entry.window.held_bytes += size
        self._bytes += size

    def take(self, our_now_ms: int, most: int) -> list[tuple[Entry, Delayed]]:
        """The records that are due, the longest due first, at most `most`, without those of closed windows."""
        taken: list[tuple[Entry, Delayed]] = []
        due = [(at_ms, leader, skew_ms) for at_ms, leader, skew_ms in self._heads(our_now_ms) if at_ms <= our_now_ms]
        heapq.heapify(due)
        while due and len(taken) < most:
            at_ms, leader, skew_ms = due[0]
            held = self._due[leader]
            _, _, entry, delayed, size = heapq.heappop(held)
            entry.window.held -= 1
            entry.window.held_bytes -= size
            self._bytes -= size
            if not entry.window.closed:
                taken.append((entry, delayed))
            if not held:
                del self._due[leader]
            if held and (at_ms := held[0][0] - skew_ms) <= our_now_ms:
                heapq.heapreplace(due, (at_ms, leader, skew_ms))
            else:
                heapq.heappop(due)
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
        kept: dict[Leader, list[_Held]] = {}
        for leader, of_leader in self._due.items():
            if still := [held for held in of_leader if not held[2].window.closed]:
                heapq.heapify(still)
                kept[leader] = still
        self._bytes = sum(held[4] for of_leader in kept.values() for held in of_leader)
        self._due = kept

    def next_due_ms(self, our_now_ms: int) -> int | None:
        """When the next record is due, by our clock."""
        return min((at_ms for at_ms, _, _ in self._heads(our_now_ms)), default=None)

    @property
    def leaders(self) -> frozenset[Leader]:
        """The leaders that appended what is held."""
        return frozenset(self._due)

    def _heads(self, our_now_ms: int) -> Iterator[tuple[int, Leader, int]]:
        """Of each leader that is known: when its first record is due, by our clock, and its skew."""
        for leader, held in self._due.items():
            skew_ms = self._clocks.skew_ms(leader, our_now_ms)
            if skew_ms is not None:
                yield held[0][0] - skew_ms, leader, skew_ms
