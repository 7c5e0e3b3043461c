"""Lines of held records, each in an order of its own: by due time, by slot, by the event's age.

A record stands in several lines at once and leaves them all together. Taking it out of a heap's middle would cost a
walk through it, so it stays there, gone, until it comes to the front or half of the line is gone.

The law: what has left is in no line, and a line holds at most as many of the gone as of those that are there.
"""

import heapq
from collections.abc import Iterator
from typing import Final

from consumer.delivery.delivery import Chunk, Delivery
from consumer.delivery.entry import Entry

_FEW: Final = 16


class Held:
    """One record that waits, and the lines it stands in.

    `order` tells apart what would leave at the same time: the lowest first.
    """

    __slots__ = ("delayed", "entry", "gone", "lines", "order", "size")

    def __init__(self, entry: Entry, delayed: Delivery | Chunk, size: int, *, order: int) -> None:
        self.entry = entry
        self.delayed = delayed
        self.size = size
        self.order = order
        self.gone = False
        self.lines: list[Line] = []

    def leave(self) -> None:
        """It waits no longer."""
        self.gone = True
        for line in self.lines:
            line.left()
        self.lines.clear()


class Line:
    """Held records by a time in ms, the lowest first."""

    __slots__ = ("_gone", "_heap")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Held]] = []
        self._gone = 0

    def __bool__(self) -> bool:
        return len(self._heap) > self._gone

    def __iter__(self) -> Iterator[Held]:
        return (held for _, _, held in self._heap if not held.gone)

    def put(self, at_ms: int, held: Held) -> None:
        """It stands in this line too."""
        heapq.heappush(self._heap, (at_ms, held.order, held))
        held.lines.append(self)

    @property
    def first(self) -> tuple[int, Held] | None:
        """The one in front, and its time."""
        heap = self._heap
        while heap and heap[0][2].gone:
            heapq.heappop(heap)
            self._gone -= 1
        return (heap[0][0], heap[0][2]) if heap else None

    def pop(self) -> tuple[int, Held]:
        """The one in front leaves this line, and no other. Only where there is one."""
        first = self.first
        if first is None:
            raise AssertionError("nothing stands in this line")
        heapq.heappop(self._heap)
        first[1].lines.remove(self)
        return first

    def left(self) -> None:
        """One that stood here is gone."""
        self._gone += 1
        if self._gone > _FEW and self._gone * 2 > len(self._heap):
            self._heap = [each for each in self._heap if not each[2].gone]
            heapq.heapify(self._heap)
            self._gone = 0
