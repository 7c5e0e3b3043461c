"""What a process has ended and Kafka has not taken yet, on this machine's disk: its successor here need not repeat it.

A commit takes a round trip, and longer where a rebalance holds it up or the coordinator is away. So what is to be
committed is written to a file first, one for each member of the group on this machine; whoever on this machine is
assigned the partition next begins there.

The laws: a checkpoint stands in for the committed positions it was made on and for nothing else, neither for what
another owner has committed since nor for what an operator has reset; the beginning of a log has none; one that is torn
or foreign is ignored. What a checkpoint does not tell is only delivered again.

Nothing is synced: the file outlives the process, not the machine.

    8 KiB for each partition: CRC-32 and length, 4 bytes each, big-endian, and JSON:
    ["orders", 3, 1172, "v2|1172|…", ["1170|5d41402abc4b2a76"]]
     └─ the partition, what was to be committed, and what was or may have been committed when it was written
"""

import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from consumer.delivery.offsets import Partition, Position
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")

_ROOM: Final = 8_192
_HEAD: Final = struct.Struct(">II")
_NONE: Final = bytes(_HEAD.size)


class _Checkpoint(NamedTuple):
    partition: Partition
    position: Position
    instead_of: frozenset[str]


class Checkpoints:
    """Those of one group of one cluster on this machine, a `folder`; `member` is who writes, alone in its file.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, member: str) -> None:
        self._folder = folder
        self._failing = Outage(_log, "checkpoints failing")
        folder.mkdir(parents=True, exist_ok=True)
        own = folder / member
        own.touch(0o600)
        self._file = own.open("r+b", buffering=0)
        self._places = {each.partition: number for number, each in enumerate(_read(own)) if each is not None}
        taken = set(self._places.values())
        self._free = (number for number in count() if number not in taken)

    def keep(self, partition: Partition, position: Position, instead_of: Iterable[Position]) -> None:
        """This is to be committed, where one of those others is or may be committed now."""
        text = json.dumps([*partition, *position, [_named(each) for each in instead_of]]).encode()
        self._write(partition, _HEAD.pack(zlib.crc32(text), len(text)) + text)

    def clear(self, partition: Partition) -> None:
        """What was to be committed is: an operator may reset it to what it stood in for."""
        if partition in self._places:
            self._write(partition, _NONE)

    def newest(self, committed: Mapping[Partition, Position]) -> dict[Partition, Position]:
        """Where to begin: what a checkpoint says in place of exactly that position, else the position itself."""
        newest = dict(committed)
        for path in sorted(self._folder.iterdir()):
            for each in _read(path):
                if each is None or each.partition not in committed:
                    continue
                at = committed[each.partition]
                begins_the_log = at.offset == 0 and not at.metadata
                if not begins_the_log and _named(at) in each.instead_of:
                    newest[each.partition] = max(newest[each.partition], each.position, key=_reach)
        return newest

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def _write(self, partition: Partition, content: bytes) -> None:
        place = self._places.get(partition)
        if place is None:
            place = self._places[partition] = next(self._free)
        try:
            os.pwrite(self._file.fileno(), content, place * _ROOM)
        except OSError as error:
            self._failing.met(error=str(error))
        else:
            self._failing.over()


def _reach(position: Position) -> tuple[int, int]:
    return position.offset, len(position.metadata)


def _named(position: Position) -> str:
    return f"{position.offset}|{blake2b(position.metadata.encode(), digest_size=8).hexdigest()}"


def _read(path: Path) -> Iterator[_Checkpoint | None]:
    """What is at each place of the file; None for what is cleared or torn."""
    content = path.read_bytes()
    for start in range(0, len(content), _ROOM):
        yield _parsed(content[start : start + _ROOM])


def _parsed(room: bytes) -> _Checkpoint | None:
    if len(room) < _HEAD.size:
        return None
    checksum, length = _HEAD.unpack_from(room)
    text = room[_HEAD.size : _HEAD.size + length]
    if not text or zlib.crc32(text) != checksum:
        return None
    topic, number, offset, metadata, instead_of = json.loads(text)
    return _Checkpoint((topic, number), Position(offset, metadata), frozenset(instead_of))
