"""The windows of the partitions that are ours, and what these may be committed as.

The laws: a partition has one window for as long as it is ours, or until its topic is made anew; and what was finished
here before a partition was lost is not done again when the partition comes back from the same log.
"""

from collections.abc import Iterable, Iterator, Mapping

from consumer.delivery import done_map
from consumer.delivery.done_map import DoneMap
from consumer.delivery.offsets import Partition, Position, Taken, Window
from consumer.delivery.order import Order
from consumer.delivery.vitals import PartitionVitals


class Windows:
    """Of one process. A partition of the ordered topic gets its window from `order`."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._left: dict[Partition, tuple[int, DoneMap]] = {}
        self._crowded: dict[Window, None] = {}
        self.taken = Taken()
        self.of: dict[Partition, Window] = {}

    def __iter__(self) -> Iterator[Window]:
        return iter(self.of.values())

    # ── whose they are ───────────────────────────────────────────────────────────────────────────────────────────

    def assigned(self, partitions: Mapping[Partition, Position]) -> None:
        """These partitions are ours, each to be read from its position."""
        for partition, position in partitions.items():
            window = self.of[partition] = self._order.window(partition, position, self.taken) or Window(
                partition, self._done(partition, position), self.taken
            )
            window.began = position.offset

    def lost(self, partitions: Iterable[Partition]) -> list[Window]:
        """These partitions are not ours any more. Returns the windows that are closed."""
        closed = [self.of.pop(partition) for partition in partitions if partition in self.of]
        for window in closed:
            window.close()
            self._crowded.pop(window, None)
            done = window.done()
            if done is not None and window.beside is None:
                self._left[window.partition] = (window.began, done)
        return closed

    def rewound(self, partition: Partition) -> Window | None:
        """A new log, a new window. What is under way of the old one, which is returned, moves no offset any more."""
        self._left.pop(partition, None)
        former = self.of.get(partition)
        if former is not None:
            self._crowded.pop(former, None)
            self._order.rewound(former)
            self.of[partition] = self._order.window(partition, Position(0), self.taken) or Window(
                partition, taken=self.taken
            )
        return former

    def passed(self, ends: Mapping[Partition, int]) -> None:
        """All records before these offsets were taken in."""
        for partition, offset in ends.items():
            if partition in self.of:
                self.of[partition].passed(offset)

    def drain(self, partitions: Iterable[Partition]) -> None:
        """Nothing more is begun for these."""
        for partition in partitions:
            if partition in self.of:
                self.of[partition].draining = True

    # ── what they may be committed as ────────────────────────────────────────────────────────────────────────────

    def positions(self) -> dict[Partition, Position]:
        """What each partition may be committed as."""
        return self._positions(self)

    def changed_positions(self) -> dict[Partition, Position]:
        """The same of those partitions whose position may have changed since the last call."""
        changed = list(self.taken.changes)
        self.taken.changes.clear()
        return self._positions(window for window in changed if self.of.get(window.partition) is window)

    def bound_maps(self, most: int) -> None:
        """A map may have so many characters from now on: all that were longer are told anew."""
        if most != self.taken.map_most:
            self.taken.map_most = most
            for window in self:
                window.touch()

    def crowded(self) -> list[Window]:
        """Those whose map is nearly full, as of their last position."""
        return list(self._crowded)

    def vitals(self) -> tuple[PartitionVitals, ...]:
        """How each partition does."""
        return tuple(
            PartitionVitals(
                partition=window.partition,
                next=max(window.next, window.began),
                unfinished=window.unfinished,
                held=window.held,
                oldest_ms=window.oldest_ms,
                map_chars=window.map_chars,
            )
            for window in self
        )

    def _positions(self, windows: Iterable[Window]) -> dict[Partition, Position]:
        positions: dict[Partition, Position] = {}
        for window in windows:
            position = window.look()
            if position is not None:
                positions[window.partition] = position
            if window.crowded:
                self._crowded[window] = None
            elif self._crowded:
                self._crowded.pop(window, None)
        return positions

    def _done(self, partition: Partition, position: Position) -> DoneMap | None:
        """What need not be done again: as committed, and what was finished here before the partition was lost.

        A group's offset that went back, or stands at the log's beginning, may be of another log: then only what is
        committed counts.
        """
        committed = done_map.decode(position.metadata, position.offset)
        began, own = self._left.pop(partition, (0, None))
        if own is None or position.offset < max(1, began):
            return committed
        return done_map.joined(position.offset, committed, own)
