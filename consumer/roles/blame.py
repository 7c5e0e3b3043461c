"""Which record a process was decoding or matching when it died.

The law: only the record in hand at that moment is blamed, and only after three such deaths in a row is it condemned: it
then goes to poison. Deaths at other moments count for nothing, and a record that was survived is forgiven.

The mark is a few bytes of a file that this process maps and its successor in the same slot reads. Setting it costs a
memory write, and the kernel keeps the page whatever kills the process:

    0      1        2      4                                   268
    ┌──────┬────────┬──────┬───────────────────────────────────┬───────────────────────────────────┐
    │ held │ deaths │  -   │ in hand: offset, partition, topic │ suspect: offset, partition, topic │
    └──────┴────────┴──────┴───────────────────────────────────┴───────────────────────────────────┘
"""

import mmap
import struct
from pathlib import Path
from typing import TypeAlias

from consumer.delivery.offsets import Partition

DEATHS = 3

Place: TypeAlias = tuple[Partition, int]

_HELD, _DEATHS, _IN_HAND, _SUSPECT, _SIZE = 0, 1, 4, 268, 532
_OFFSET = struct.Struct("<q")
_PLACE = struct.Struct("<qiH")  # offset, partition, length of the topic's name, which follows (at most 249 bytes)


class Blame:
    """The mark of one slot. `condemned` is the record that is not to be touched again, if there is one."""

    def __init__(self, path: Path) -> None:
        """Read what the predecessor left.

        Raises:
            OSError: the file cannot be made or mapped.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.truncate(_SIZE)
            self._mark = mmap.mmap(file.fileno(), _SIZE)
        self._suspect = self._take_over()
        self._in_hand: Place = (("", -1), -1)
        self.condemned = self._suspect if self._mark[_DEATHS] >= DEATHS else None

    def hold(self, partition: Partition, offset: int) -> None:
        """This record is in hand from now on."""
        if partition is self._in_hand[0]:
            _OFFSET.pack_into(self._mark, _IN_HAND, offset)
        else:
            self._write(_IN_HAND, (partition, offset))
        self._in_hand = (partition, offset)
        self._mark[_HELD] = 1

    def let_go(self) -> None:
        """The record in hand was survived."""
        self._mark[_HELD] = 0
        if self._suspect is not None and self._in_hand == self._suspect:
            self._suspect = self.condemned = None
            self._mark[_DEATHS] = 0

    def _take_over(self) -> Place | None:
        if self._mark[_HELD]:
            blamed = self._read(_IN_HAND)
            again = bool(self._mark[_DEATHS]) and blamed == self._read(_SUSPECT)
            self._write(_SUSPECT, blamed)
            self._mark[_DEATHS] = min(self._mark[_DEATHS] + 1, DEATHS) if again else 1
            self._mark[_HELD] = 0
        return self._read(_SUSPECT) if self._mark[_DEATHS] else None

    def _write(self, at: int, place: Place) -> None:
        (topic, number), offset = place
        name = topic.encode()
        _PLACE.pack_into(self._mark, at, offset, number, len(name))
        self._mark[at + _PLACE.size : at + _PLACE.size + len(name)] = name

    def _read(self, at: int) -> Place:
        offset, number, length = _PLACE.unpack_from(self._mark, at)
        return (self._mark[at + _PLACE.size : at + _PLACE.size + length].decode(), number), offset
