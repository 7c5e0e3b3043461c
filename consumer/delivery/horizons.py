"""What was taken of a partition before its turn: of each webhook, how far.

    offsets   1042 ····································· next ·················· end
              │ taken in, in their order                 │ of one webhook, and of no other, taken in too │
              base                                       start (or before)

A record may be taken in ahead of all that lies before it. Of its webhook everything before it was taken in then, so
"all below `end` is finished, but these few" tells it in a few bytes, however many there are.

The laws: a record is taken in once, ahead or in its turn; and what is told as finished is, or was so before.
"""

from enum import Enum, auto
from typing import Final

from consumer.delivery.ahead_map import AHEAD_MOST, Ahead, Horizon, named

_UNFINISHED_MOST: Final = 64  # of one webhook
_ENTRY_BYTES: Final = 8 + 3 * 5  # its name, and three numbers


class Met(Enum):
    """What a record is when its turn comes."""

    NEW = auto()
    UNDER_WAY = auto()
    DONE = auto()


class _Run:
    """`finished`: how many records were, as far as is known here."""

    __slots__ = ("end", "finished", "start", "unfinished")

    def __init__(self, start: int, end: int, unfinished: set[int], finished: int) -> None:
        self.start = start
        self.end = end
        self.unfinished = unfinished
        self.finished = finished


class Horizons:
    """Of one window. `told` is what an earlier owner had come to.

    `keys` is by `named` of the records' key, `under_way` by the records' offsets. Nearly always both are empty, which
    whoever asks for each record sees for himself.
    """

    def __init__(self, told: Ahead) -> None:
        self.keys = {
            name: _Run(each.start, each.end, set(each.unfinished), each.end - each.start) for name, each in told.items()
        }
        self.under_way: dict[int, _Run] = {}

    def met(self, key: bytes | None, offset: int) -> Met:
        """The record's turn has come."""
        ahead = None if key is None else self.keys.get(named(key))
        if ahead is None or not ahead.start <= offset < ahead.end:
            return Met.NEW
        if offset not in ahead.unfinished:
            return Met.DONE
        if offset in self.under_way:
            return Met.UNDER_WAY
        self.under_way[offset] = ahead  # it was left alone before
        return Met.NEW

    def finish(self, offset: int) -> bool:
        """This record has ended. Whether it had been met here."""
        ahead = self.under_way.pop(offset, None)
        if ahead is None:
            return False
        ahead.unfinished.discard(offset)
        ahead.finished += 1
        return True

    def end(self, key: bytes) -> int | None:
        """Up to where the records of this key were looked at; None where none were."""
        ahead = self.keys.get(named(key))
        return None if ahead is None else ahead.end

    def begin(self, key: bytes, start: int) -> None:
        """From here on. What was told of this key before is told otherwise, or not at all."""
        self.keys[named(key)] = _Run(start, start, set(), 0)

    def take(self, key: bytes, offset: int, *, goes: bool) -> None:
        """The next record of this key: it is under way, or is left to its turn."""
        ahead = self.keys[named(key)]
        ahead.end = offset + 1
        ahead.unfinished.add(offset)
        if goes:
            self.under_way[offset] = ahead

    def passed(self, key: bytes, end: int) -> None:
        """Below this offset there is no other record of this key that is not finished."""
        ahead = self.keys[named(key)]
        ahead.end = max(ahead.end, end)

    def has_room(self, key: bytes) -> bool:
        """Whether one more record of this key may be taken, and told of in a commit."""
        ahead = self.keys.get(named(key))
        if ahead is not None and len(ahead.unfinished) >= _UNFINISHED_MOST:
            return False
        size = sum(_ENTRY_BYTES + 3 * len(each.unfinished) for each in self.keys.values())
        return size + _ENTRY_BYTES < AHEAD_MOST

    def told(self, base: int) -> dict[bytes, Horizon]:
        """What a commit at `base` is to tell, the most valuable first. What lies below it is forgotten."""
        for name in [name for name, each in self.keys.items() if each.end <= base]:
            del self.keys[name]
        worth = sorted(self.keys.items(), key=lambda item: -item[1].finished)
        return {
            name: Horizon(start=each.start, end=each.end, unfinished=frozenset(each.unfinished))
            for name, each in worth
            if each.finished
        }

    def clear(self) -> None:
        """It is another log."""
        self.keys.clear()
        self.under_way.clear()
