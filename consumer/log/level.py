"""How much each list of the index may keep, when all together are larger than their memory. Pure.

The law: noisy webhooks pay, quiet ones keep all: a list is never cut to fewer entries than a shorter one of its kind
keeps, nor while one that is longer stays longer; eventful lists only once the plain ones are at `PLAIN_LEAST`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from consumer.log.index import Kind, Name

PLAIN_LEAST: Final = 20
LIST_BYTES: Final = 580
"""Of a list beside its entries: key, object, expiry, field of `lists`, member of `seen`. Measured: 400 to 600."""
ENTRY_BYTES: Final = 5
"""Of an entry beside its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Of one list. `packed_bytes` are those of its entries."""

    entries: int
    packed_bytes: int

    @property
    def bytes(self) -> int:
        """What it takes of memory."""
        return LIST_BYTES + self.packed_bytes + ENTRY_BYTES * self.entries

    def within(self, most: int) -> int:
        """What it takes once at most so many entries are left, all taken to be of the same size."""
        if self.entries <= most:
            return self.bytes
        return LIST_BYTES + (self.packed_bytes * most) // self.entries + ENTRY_BYTES * most


def cuts(sizes: Mapping[Name, Size], room_bytes: int) -> dict[Name, int]:
    """The lists to be cut, and how many entries each keeps, so that all together take at most `room_bytes`.

    Where even the least does not fit, every list is cut to the least of its kind.
    """
    if sum(size.bytes for size in sizes.values()) <= room_bytes:
        return {}
    plain = {name: size for name, size in sizes.items() if name.kind is Kind.PLAIN}
    eventful = {name: size for name, size in sizes.items() if name.kind is Kind.EVENTFUL}
    level = _level(plain.values(), room_bytes - sum(size.bytes for size in eventful.values()), PLAIN_LEAST)
    over = {name: level for name, size in plain.items() if size.entries > level}
    left_bytes = room_bytes - sum(size.within(level) for size in plain.values())
    if sum(size.bytes for size in eventful.values()) > left_bytes:
        level = _level(eventful.values(), left_bytes, 1)
        over |= {name: level for name, size in eventful.items() if size.entries > level}
    return over


def _level(sizes: Collection[Size], room_bytes: int, least: int) -> int:
    """The highest number of entries that all may have, and fit; `least` where none does."""
    low, high = least, max((size.entries for size in sizes), default=least)
    while low < high:
        middle = (low + high + 1) // 2
        if sum(size.within(middle) for size in sizes) <= room_bytes:
            low = middle
        else:
            high = middle - 1
    return low
