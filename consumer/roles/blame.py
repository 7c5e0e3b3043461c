"""Which record a process was decoding or matching when it died.

The law: only the record in hand at that moment is blamed, and only after three such deaths in a row is it condemned: it
then goes to poison. Deaths at other moments count for nothing, and a record that was survived is forgiven. A condemned
one stays so while others are tried: of two beside each other the second kills before the first has reached poison.

The mark is a few bytes of a file that this process maps and its successor in the same slot reads. Setting it costs a
memory write, and the kernel keeps the page whatever kills the process:

    0      1        2           3   4                                   268       532
    ┌──────┬────────┬───────────┬───┬───────────────────────────────────┬─────────┬──────────────────────────────┐
    │ held │ deaths │ condemned │ - │ in hand: offset, partition, topic │ suspect │ the last CONDEMNED condemned │
    └──────┴────────┴───────────┴───┴───────────────────────────────────┴─────────┴──────────────────────────────┘

`condemned` counts them, modulo 256; each place is as long as the first.
"""

import mmap
import struct
from pathlib import Path
from typing import TypeAlias

from consumer.delivery.offsets import Partition

DEATHS = 3
CONDEMNED = 16  # remembered; more of them unfinished at once are condemned anew

Place: TypeAlias = tuple[Partition, int]

_HELD, _DEATHS, _COUNT, _IN_HAND, _SUSPECT, _CONDEMNED = 0, 1, 2, 4, 268, 532
_PLACE_BYTES = _SUSPECT - _IN_HAND
_SIZE = _CONDEMNED + CONDEMNED * _PLACE_BYTES
_OFFSET = struct.Struct("<q")
_PLACE = struct.Struct("<qiH")  # offset, partition, length of the topic's name, which follows (at most 249 bytes)


class Blame:
    """The mark of one slot. `condemned` are the records that are not to be touched again."""

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
        written = (self._read(_CONDEMNED + number * _PLACE_BYTES) for number in range(CONDEMNED))
        self.condemned = frozenset(place for place in written if place[0][0])

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
            self._suspect = None
            self._mark[_DEATHS] = 0

    def _take_over(self) -> Place | None:
        if self._mark[_HELD]:
            blamed = self._read(_IN_HAND)
            again = bool(self._mark[_DEATHS]) and blamed == self._read(_SUSPECT)
            self._write(_SUSPECT, blamed)
            self._mark[_DEATHS] = self._mark[_DEATHS] + 1 if again else 1
            self._mark[_HELD] = 0
            if self._mark[_DEATHS] == DEATHS:
                self._condemn(blamed)
        return self._read(_SUSPECT) if self._mark[_DEATHS] else None

    def _condemn(self, place: Place) -> None:
        count = self._mark[_COUNT]
        self._write(_CONDEMNED + count % CONDEMNED * _PLACE_BYTES, place)
        self._mark[_COUNT] = (count + 1) % 256
        self._mark[_DEATHS] = 0

    def _write(self, at: int, place: Place) -> None:
        (topic, number), offset = place
        name = topic.encode()
        _PLACE.pack_into(self._mark, at, offset, number, len(name))
        self._mark[at + _PLACE.size : at + _PLACE.size + len(name)] = name

    def _read(self, at: int) -> Place:
        offset, number, length = _PLACE.unpack_from(self._mark, at)
        return (self._mark[at + _PLACE.size : at + _PLACE.size + length].decode(), number), offset
