"""Which record code was running for when a process died.

The law: only the record in hand at that moment is blamed, and after three such deaths without having ended in between
it is condemned: it then goes to poison. A death with nothing in hand blames no record. A record is forgiven when it
has ended, not when it was survived once: what kills at its answer was decoded well each time. Each suspect has a
count of its own, so that two that kill in turns do not acquit each other; and a condemned one stays so while others
are tried: of two beside each other the second kills before the first has reached poison.

The mark is a few bytes of a file that this process maps and its successor in the same slot reads. Setting it costs a
memory write, and the kernel keeps the page whatever kills the process:

    0       4      5       6         270                               4,494
    ┌───────┬──────┬───────┬─────────┬─────────────────────────────────┬──────────────────────────────┐
    │ magic │ held │ count │ in hand │ the last SUSPECTS in hand when  │ the last CONDEMNED condemned │
    │       │      │       │         │ a process died, and how often   │                              │
    └───────┴──────┴───────┴─────────┴─────────────────────────────────┴──────────────────────────────┘

`count` is how many were condemned, modulo 256. Each place is as long as the first.
"""

import mmap
import struct
from collections.abc import Collection
from pathlib import Path
from typing import Final

from consumer.delivery.mark import Place
from consumer.delivery.offsets import Partition

DEATHS: Final = 3
CONDEMNED: Final = 16  # remembered; more of them unfinished at once are condemned anew
SUSPECTS: Final = 16  # remembered; the one that has not killed for longest is forgotten first

_MAGIC: Final = b"hkm2"  # a file that begins otherwise is none of this version's
_HELD, _COUNT, _IN_HAND, _PLACE_BYTES = 4, 5, 6, 264
_SUSPECTS: Final = _IN_HAND + _PLACE_BYTES
_CONDEMNED: Final = _SUSPECTS + SUSPECTS * _PLACE_BYTES
_PARTITION_AT: Final = _IN_HAND + 8
_SIZE: Final = _CONDEMNED + CONDEMNED * _PLACE_BYTES
_OFFSET = struct.Struct("=q")  # of a place, as this machine has it; then its partition:
_PARTITION = struct.Struct("<iBB")  # its number, deaths, length of the topic's name, which follows (at most 249 bytes)
_NOBODY: Final[Partition] = ("", -1)


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
        if self._mark[: len(_MAGIC)] != _MAGIC:
            self._mark[:] = _MAGIC.ljust(_SIZE, b"\0")
        self._partition = _NOBODY
        # Assigning to a view of the file takes half of the time that packing into it takes.
        self._offset = memoryview(self._mark)[_IN_HAND:_PARTITION_AT].cast("q")
        self._written: dict[Partition, bytes] = {}  # partitions as they are written
        self._deaths = dict(self._read_all(_SUSPECTS, SUSPECTS))  # the one that killed last is last
        self._take_over()
        self.condemned = frozenset(place for place, _ in self._read_all(_CONDEMNED, CONDEMNED))

    @property
    def suspects(self) -> Collection[Place]:
        """The records that were in hand when a process died, and have not ended since as far as is known."""
        return self._deaths

    def hold(self, partition: Partition, offset: int) -> None:
        """This record is in hand from now on."""
        mark = self._mark
        if partition is not self._partition:
            mark[_HELD] = 0  # half of one place and half of another would be a third
            written = self._written.get(partition)
            if written is None:
                written = self._written[partition] = _written(partition)
            mark[_PARTITION_AT : _PARTITION_AT + len(written)] = written
            self._partition = partition
        self._offset[0] = offset
        mark[_HELD] = 1

    def let_go(self) -> None:
        """No record is in hand."""
        self._mark[_HELD] = 0

    def forgive(self, place: Place) -> None:
        """It has ended: what it was suspected of is over."""
        del self._deaths[place]
        self._write_suspects()

    def _take_over(self) -> None:
        if not self._mark[_HELD]:
            return
        blamed, _ = self._read(_IN_HAND)
        deaths = self._deaths.pop(blamed, 0) + 1
        if deaths < DEATHS:
            self._deaths[blamed] = deaths
        else:
            self._condemn(blamed)
        self._write_suspects()
        self._mark[_HELD] = 0

    def _condemn(self, place: Place) -> None:
        count = self._mark[_COUNT]
        self._write(_CONDEMNED + count % CONDEMNED * _PLACE_BYTES, place)
        self._mark[_COUNT] = (count + 1) % 256

    def _write_suspects(self) -> None:
        newest = list(self._deaths.items())[-SUSPECTS:]
        self._deaths = dict(newest)
        nobody = [((_NOBODY, -1), 0)] * (SUSPECTS - len(newest))
        for number, (place, deaths) in enumerate(newest + nobody):
            self._write(_SUSPECTS + number * _PLACE_BYTES, place, deaths)

    def _write(self, at: int, place: Place, deaths: int = 0) -> None:
        partition, offset = place
        written = _OFFSET.pack(offset) + _written(partition, deaths)
        self._mark[at : at + len(written)] = written

    def _read(self, at: int) -> tuple[Place, int]:
        (offset,) = _OFFSET.unpack_from(self._mark, at)
        number, deaths, length = _PARTITION.unpack_from(self._mark, at + _OFFSET.size)
        name = at + _OFFSET.size + _PARTITION.size
        return ((self._mark[name : name + length].decode(), number), offset), deaths

    def _read_all(self, at: int, most: int) -> list[tuple[Place, int]]:
        """The places that are taken."""
        read = [self._read(at + number * _PLACE_BYTES) for number in range(most)]
        return [(place, deaths) for place, deaths in read if place[0][0]]


def _written(partition: Partition, deaths: int = 0) -> bytes:
    topic, number = partition
    name = topic.encode()
    return _PARTITION.pack(number, deaths, len(name)) + name
