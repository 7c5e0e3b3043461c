"""The map of finished records that travels in a commit's metadata, so that a restart skips them.

    v1|1042|9f0c2b7a|g|Aw8B…
    │  │    │        │ └─ the unfinished offsets from the base up to the last finished one, base64 without padding:
    │  │    │        │      g: varints (LEB128): how far the last finished offset is from the base, then the distance
    │  │    │        │         of each unfinished offset from the one before (the first from the base)
    │  │    │        │      b: a bitmap from the base on, least significant bit first, 1 = unfinished
    │  │    │        └─ the smaller of the two forms
    │  │    └─ CRC-32 of everything else, hex
    │  └─ the base: the committed offset this map belongs to, the lowest unfinished one
    └─ version

The laws: reading gives back what was written; a map that is foreign, corrupt or of another offset is no map at all,
never a guess; and it is at most MOST characters (Kafka refuses 4,096), covering less where all does not fit: what is
not covered is only delivered again.
"""

import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 4_095
_VERSION = "v1"
_ROOM = 80  # version, base, checksum and form take less
_BYTES_MOST = (MOST - _ROOM) * 3 // 4
_PARTS = 5
_CONTINUED = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneMap:
    """From `base` up to and including `last` everything is finished but `unfinished`."""

    base: int
    last: int
    unfinished: frozenset[int]

    def is_done(self, offset: int) -> bool:
        """Whether this offset was finished when the map was written."""
        return self.base <= offset <= self.last and offset not in self.unfinished


def encode(base: int, last: int, unfinished: Sequence[int]) -> str:
    """The map, or "" when there is nothing to say. `unfinished` rise from `base`; those above `last` do not matter."""
    if last < base:
        return ""
    gaps, covered = _gaps(base, last, unfinished)
    form, packed = "g", gaps
    span_bytes = (last - base) // 8 + 1
    if span_bytes < len(gaps) or (covered < last and span_bytes <= _BYTES_MOST):
        form, packed = "b", _bitmap(base, last, unfinished, span_bytes)
    text = base64.b64encode(packed).rstrip(b"=").decode()
    return f"{_VERSION}|{base}|{_checksum(base, form, text)}|{form}|{text}"


def decode(metadata: str, offset: int) -> DoneMap | None:
    """Read the map that was committed with `offset`; None for none, or one not to be trusted."""
    parts = metadata.split("|")
    if len(parts) != _PARTS or parts[0] != _VERSION or parts[1] != str(offset):
        return None
    _, _, checksum, form, text = parts
    if checksum != _checksum(offset, form, text):
        return None
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return None
    match form:
        case "g":
            return _from_gaps(offset, packed)
        case "b":
            return _from_bitmap(offset, packed)
        case _:
            return None


def joined(offset: int, done: DoneMap | None, own_offset: int, own: DoneMap | None) -> DoneMap | None:
    """What is done from `offset` on, told by the map committed with it and by one of our own, of `own_offset`."""
    theirs = done or DoneMap(base=offset, last=offset - 1, unfinished=frozenset())
    ours = own or DoneMap(base=own_offset, last=own_offset - 1, unfinished=frozenset())
    last = max(theirs.last, ours.last)
    if last < offset:
        return None
    unfinished = frozenset(
        each
        for each in theirs.unfinished | ours.unfinished
        if each >= offset and not theirs.is_done(each) and not ours.is_done(each) and each >= own_offset
    )
    return DoneMap(base=offset, last=last, unfinished=unfinished)


def _gaps(base: int, last: int, unfinished: Sequence[int]) -> tuple[bytearray, int]:
    """The gaps, and how far they cover: up to `last`, or to before the first unfinished one that did not fit."""
    packed = bytearray()
    before = base
    room = _BYTES_MOST - len(_varint(last - base))
    for offset in unfinished:
        if offset > last:
            break
        gap = offset - before
        if len(packed) + (gap.bit_length() + 6) // 7 > room:
            last = offset - 1
            break
        while gap >= _CONTINUED:
            packed.append(gap & 0x7F | _CONTINUED)
            gap >>= 7
        packed.append(gap)
        before = offset
    return _varint(last - base) + packed, last


def _varint(number: int) -> bytearray:
    packed = bytearray()
    while number >= _CONTINUED:
        packed.append(number & 0x7F | _CONTINUED)
        number >>= 7
    packed.append(number)
    return packed


def _from_gaps(base: int, packed: bytes) -> DoneMap | None:
    numbers: list[int] = []
    number = shift = 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < _CONTINUED:
            numbers.append(number)
            number = shift = 0
    if shift or not numbers:
        return None
    offset = base
    unfinished = []
    for gap in numbers[1:]:
        offset += gap
        unfinished.append(offset)
    return DoneMap(base=base, last=base + numbers[0], unfinished=frozenset(unfinished))


def _bitmap(base: int, last: int, unfinished: Sequence[int], size: int) -> bytearray:
    packed = bytearray(size)
    for offset in unfinished:
        if offset > last:
            break
        packed[(offset - base) >> 3] |= 1 << ((offset - base) & 7)
    for beyond in range(last - base + 1, size * 8):  # what the last byte has too much is not finished
        packed[beyond >> 3] |= 1 << (beyond & 7)
    return packed


def _from_bitmap(base: int, packed: bytes) -> DoneMap | None:
    if not packed:
        return None
    bits = range(len(packed) * 8)
    unfinished = frozenset(base + bit for bit in bits if packed[bit >> 3] >> (bit & 7) & 1)
    return DoneMap(base=base, last=base + len(packed) * 8 - 1, unfinished=unfinished)


def _checksum(base: int, form: str, text: str) -> str:
    return f"{zlib.crc32(f'{_VERSION}|{base}|{form}|{text}'.encode()):08x}"
