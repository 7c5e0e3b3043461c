"""Which records are unfinished, and so how far a partition may be committed.

The law: a position never passes the lowest unfinished offset, and a window that was lost yields no position.

Records finish in any order. A window belongs to one assignment of one partition: when the partition goes, its window
is closed, and whatever still comes back for it has no effect. (The map of finished offsets that travels in the
commit's metadata will live here, beside the position it goes with.)
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import TypeAlias

Partition: TypeAlias = tuple[str, int]

_RECENT_MOST = 10_000


class Window:
    """The unfinished records of one assigned partition."""

    __slots__ = ("_next", "_recent", "_unfinished", "closed", "draining", "held", "held_bytes", "partition")

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.closed = False
        self.draining = False
        self.held = 0
        self.held_bytes = 0
        self._unfinished: OrderedDict[int, None] = OrderedDict()
        self._recent: OrderedDict[Hashable, None] = OrderedDict()
        self._next = -1

    def begin(self, offset: int) -> bool:
        """Take a record in. False when this offset was seen before under this assignment."""
        if offset < self._next:
            return False
        self._unfinished[offset] = None
        self._next = offset + 1
        return True

    def finish(self, offset: int) -> None:
        """The record has ended in its one place."""
        del self._unfinished[offset]

    def is_repeat(self, name: Hashable) -> bool:
        """Whether a record of this name came lately under this assignment; a crash writes some twice.

        Remembered no longer than the assignment: under the next one the record is read again because it was not done.
        """
        if name in self._recent:
            return True
        self._recent[name] = None
        if len(self._recent) > _RECENT_MOST:
            self._recent.popitem(last=False)
        return False

    @property
    def unfinished(self) -> int:
        """How many records are under way."""
        return len(self._unfinished)

    @property
    def position(self) -> int | None:
        """The offset to commit: the lowest unfinished one, else the next to come; None before the first record."""
        if self._unfinished:
            return next(iter(self._unfinished))
        return self._next if self._next >= 0 else None


class Entry:
    """One consumed record until all it produced has ended: deliveries sent, records acknowledged."""

    __slots__ = ("offset", "open", "window")

    def __init__(self, window: Window, offset: int) -> None:
        self.window = window
        self.offset = offset
        self.open = 1

    def close_one(self) -> None:
        """One of its parts has ended; with the last one the record has."""
        self.open -= 1
        if self.open == 0 and not self.window.closed:
            self.window.finish(self.offset)
