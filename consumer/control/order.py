"""The order in which an owner's webhooks are listed: by when they were created, and by id where that is equal.

The law: a list read in pages shows each webhook that was there all the while exactly once, whatever comes and goes
meanwhile, and any page costs the same.
"""

from bisect import bisect_left, bisect_right, insort
from typing import Final, TypeAlias

Position: TypeAlias = tuple[int, str]
"""Where a webhook stands: when it was created (ms since 1970), and its id."""

_FEW: Final = 32
# So that nobody who asks for a page has to wait for a long sort: sorted in slices of at least so many, or a sixteenth.
_SLICE: Final = 2_048
_SHARE: Final = 16


class Order:
    """A sorted list that takes many positions at once cheaply: a start reads them in the topic's order, not in ours."""

    def __init__(self) -> None:
        self._sorted: list[Position] = []
        self._new: list[Position] = []

    def __len__(self) -> int:
        return len(self._sorted) + len(self._new)

    def add(self, position: Position) -> None:
        """Take a position that is not there."""
        if not self._new and (not self._sorted or position > self._sorted[-1]):
            self._sorted.append(position)
        else:
            self._new.append(position)
            if len(self._new) > max(_SLICE, len(self._sorted) // _SHARE):
                self._settled()

    def remove(self, position: Position) -> None:
        """Drop a position that is there."""
        settled = self._settled()
        index = bisect_left(settled, position)
        assert settled[index] == position
        del settled[index]

    def after(self, position: Position | None, limit: int) -> tuple[list[Position], bool]:
        """The next `limit` positions behind this one (None: the first ones), and whether more follow them."""
        settled = self._settled()
        begin = 0 if position is None else bisect_right(settled, position)
        return settled[begin : begin + limit], begin + limit < len(settled)

    def _settled(self) -> list[Position]:
        if len(self._new) < _FEW:
            for position in self._new:
                insort(self._sorted, position)
        else:
            self._sorted += self._new
            self._sorted.sort()
        self._new.clear()
        return self._sorted
