"""Which partitions are paused, because they hold their share or have too much unfinished, and when there is no room.

The law: a partition that was paused is resumed when half of what it was paused for is gone.
"""

from collections.abc import Iterable
from typing import Final

from consumer.delivery.budget import Brim
from consumer.delivery.hold import Hold
from consumer.delivery.offsets import Partition, Window
from consumer.delivery.order import Order
from consumer.delivery.schedule import Schedule
from consumer.delivery.schemas_wanted import SchemasWanted
from consumer.delivery.windows import Windows

WINDOW_MOST: Final = 16_384
"""Unfinished records of one partition before it is paused."""


class Pausing:
    """Of one process, which may have taken in so many bytes."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        windows: Windows,
        order: Order,
        hold: Hold,
        schemas: SchemasWanted,
        taken_bytes: int,
    ) -> None:
        self._schedule = schedule
        self._windows = windows
        self._order = order
        self._hold = hold
        self._schemas = schemas
        self._brim = Brim(taken_bytes)
        self._paused: set[Window] = set()
        self._just_paused: list[Partition] = []

    @property
    def is_full(self) -> bool:
        """Whether what was taken in weighs too much for more.

        What is held, stands in line or waits for a schema has a share of its own: it must not hold up the others.
        """
        waiting_bytes = self._hold.bytes + self._schemas.bytes + self._order.bytes
        return self._brim.is_full(self._windows.taken.bytes - waiting_bytes)

    @property
    def paused(self) -> frozenset[Partition]:
        """The partitions that are to be paused."""
        return frozenset(window.partition for window in self._paused)

    def pause(self, window: Window) -> None:
        """Take nothing more of this partition for now."""
        if window not in self._paused:
            self._paused.add(window)
            self._just_paused.append(window.partition)

    def forget(self, windows: Iterable[Window]) -> None:
        """They are closed, or another has taken their place."""
        self._paused.difference_update(windows)

    def turn(self, now_ms: int) -> tuple[list[Partition], list[Partition]]:
        """The partitions to pause and those to resume, of what came up since the last call."""
        for window in self._order.left.full(now_ms):
            self.pause(window)
        if not self._paused and not self._just_paused:
            return [], []
        relieved = [window for window in self._paused if self._is_relieved(now_ms, window)]
        self._paused.difference_update(relieved)
        paused, self._just_paused = self._just_paused, []
        return paused, [window.partition for window in relieved]

    def full(self) -> list[Window]:
        """The windows that are paused because they hold their share, the last topic's first."""
        full = [each for each in self._paused if not (each.draining or self._hold.is_half_empty(each))]
        return sorted(full, key=lambda window: (self._tier(window), window.partition), reverse=True)

    def _is_relieved(self, now_ms: int, window: Window) -> bool:
        if window.crowded or window.unfinished > WINDOW_MOST // 2:
            return False
        if self._order.left.is_full(now_ms, window):
            return False
        return self._hold.is_half_empty(window) and self._schemas.is_half_empty(window)

    def _tier(self, window: Window) -> int:
        name = window.partition[0].rpartition(".")[2]
        return self._schedule.names.index(name) if name in self._schedule.names else 0
