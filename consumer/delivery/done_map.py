"""The map of finished records that travels in a commit's metadata, so that a restart skips them.

    v4|1042|9f0c2b7a|g|Aw8B…|q80R…|AAA…|AALk…
    │  │    │        │ │      │     │    └─ what has ended of unfinished records, base64 without padding: for each such
    │  │    │        │ │      │     │       record varints (LEB128), its distance from the one before (the first from
    │  │    │        │ │      │     │       the base) and the number of its deliveries that ended, then the first 8
    │  │    │        │ │      │     │       bytes of the id of each
    │  │    │        │ │      │     └─ what is told of the order of keys (`order_map.py`), base64 without padding
    │  │    │        │ │      └─ of which webhooks all is finished up to where (`ahead_map.py`), the same
    │  │    │        │ └─ the unfinished offsets from the base up to the last finished one, base64 without padding:
    │  │    │        │      g: varints: how many offsets from the base are covered, then the distance of each
    │  │    │        │         unfinished offset from the one before (the first from the base)
    │  │    │        │      b: a bitmap from the base on, least significant bit first, 1 = unfinished
    │  │    │        └─ the smaller of the two forms
    │  │    └─ CRC-32 of everything else, hex
    │  └─ the base: the committed offset this map belongs to, the lowest unfinished one
    └─ version

The laws: reading gives back what was written; a map that is foreign, corrupt or of another offset is no map at all,
never a guess; and it is no longer than the broker takes (MOST by default: Kafka refuses 4,096, and the topic's id takes
23), covering less where all does not fit: what is not covered is only delivered again. What the order has left in the
log is always told: a map that has no room for it is none.
"""

import base64
import binascii
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from consumer.delivery import ahead_map, order_map
from consumer.delivery.ahead_map import Ahead
from consumer.delivery.order_map import Told
from consumer.delivery.varint import read_varint, varint

MOST = 4_064
_VERSION = "v4"
STAMP = 31  # of what a commit may tell: the topic's id in front, and a few to spare
_ROOM = 80  # version, base, checksum and form take less
_PARTS = 8
_CONTINUED = 0x80
_BITS = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))  # those set, of each byte
_NAME_BYTES = 8  # that two deliveries of one event share them: 1 in 10^19
_PARTLY_MOST = 1_000  # bytes

Partly: TypeAlias = Mapping[int, Iterable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneMap:
    """From `base` up to and including `last` everything is finished but `unfinished`.

    `partly`: of unfinished records, wherever they are, the deliveries that ended, by `short` of their ids. `order`: of
    the ordered topic, what is left in the log of what the map calls finished, and how often heads were tried. `ahead`:
    of which webhooks all is finished up to where, whatever else is told of those records.
    """

    base: int
    last: int
    unfinished: frozenset[int]
    partly: Mapping[int, frozenset[bytes]] = field(default_factory=dict)
    order: Told = field(default_factory=Told)
    ahead: Ahead = field(default_factory=dict)

    def is_done(self, offset: int) -> bool:
        """Whether this offset was finished when the map was written."""
        return self.base <= offset <= self.last and offset not in self.unfinished


def short(delivery_id: str) -> bytes:
    """What the map keeps of a delivery's id, which is hex."""
    return bytes.fromhex(delivery_id[: 2 * _NAME_BYTES])


def encode(
    base: int,
    last: int,
    unfinished: Sequence[int],
    partly: Partly | None = None,
    *,
    order: Told | None = None,
    ahead: Ahead | None = None,
    most: int = MOST,
) -> str:
    """The map of at most so many characters, or "" when there is nothing to say, or no room for what has to be told.

    `unfinished` rise from `base`; those above `last` do not matter. Of the webhooks that are `ahead` the first come
    first.
    """
    if last < base and not partly and order is None and not ahead:
        return ""
    last = max(last, base - 1)
    left = "" if order is None else _text(order.pack(0))
    if _ROOM + len(left) > most:
        return ""
    # A third of the characters: the rest is for what says how far the turn has come.
    horizons = _text(ahead_map.pack(base, ahead, min(ahead_map.AHEAD_MOST, (most - _ROOM) // 4))) if ahead else ""
    if _ROOM + len(left) + len(horizons) > most:
        horizons = ""
    room = (most - _ROOM - len(left) - len(horizons)) * 3 // 4
    gaps, covered = _gaps(base, last, unfinished, room)
    form, packed = "g", gaps
    span_bytes = (last - base) // 8 + 1
    if span_bytes < len(gaps) or (covered < last and span_bytes <= room):
        form, packed = "b", _bitmap(base, last, unfinished, span_bytes)
    text = _text(packed)
    if order is not None:
        left = _text(order.pack((most - _ROOM - len(text) - len(horizons)) * 3 // 4))
    room = min(_PARTLY_MOST, (most - _ROOM - len(text) - len(horizons) - len(left)) * 3 // 4)
    texts = (form, text, horizons, left, _text(_pack_partly(base, partly or {}, room)))
    return f"{_VERSION}|{base}|{_checksum(base, *texts)}|{'|'.join(texts)}"


def is_nearly_full(metadata: str, most: int) -> bool:
    """Whether what tells of whole records takes nearly all that a map of so many characters has for it.

    What the order has left in the log takes room from it, and does not count: a partition that waited for that would
    wait for failing endpoints.
    """
    if not metadata:
        return False
    _, _, _, _, text, horizons, _, _ = metadata.split("|")
    return len(text) + len(horizons) >= (most - _ROOM) * 7 // 8


def decode(metadata: str, offset: int) -> DoneMap | None:
    """Read the map that was committed with `offset`; None for none, or one not to be trusted."""
    parts = metadata.split("|")
    if len(parts) != _PARTS or parts[0] != _VERSION or parts[1] != str(offset):
        return None
    _, _, checksum, form, text, horizons, left, ended = parts
    if checksum != _checksum(offset, form, text, horizons, left, ended):
        return None
    try:
        packed = _bytes(text)
        ahead = ahead_map.unpack(offset, _bytes(horizons))
        order = order_map.unpack(_bytes(left))
        partly = _unpack_partly(offset, _bytes(ended))
    except (binascii.Error, IndexError):
        return None
    whole: DoneMap | None = None
    if form == "g":
        whole = _from_gaps(offset, packed)
    elif form == "b":
        whole = _from_bitmap(offset, packed)
    return None if whole is None else replace(whole, partly=partly, order=order, ahead=ahead)


def joined(offset: int, done: DoneMap | None, ours: DoneMap) -> DoneMap | None:
    """What is done from `offset` on, told by the map committed with it and by our own: below its base all is done."""
    theirs = done or DoneMap(base=offset, last=offset - 1, unfinished=frozenset())
    last = max(theirs.last, ours.last)
    partly = {
        each: theirs.partly.get(each, frozenset()) | ours.partly.get(each, frozenset())
        for each in theirs.partly.keys() | ours.partly.keys()
        if each >= offset and not theirs.is_done(each) and not ours.is_done(each)
    }
    ahead = ahead_map.joined(theirs.ahead, ours.ahead)
    if last < offset and not partly and not ahead:
        return None
    unfinished = frozenset(
        each
        for each in theirs.unfinished | ours.unfinished
        if each >= offset and not theirs.is_done(each) and not ours.is_done(each) and each >= ours.base
    )
    return DoneMap(base=offset, last=max(last, offset - 1), unfinished=unfinished, partly=partly, ahead=ahead)


def _gaps(base: int, last: int, unfinished: Sequence[int], room: int) -> tuple[bytearray, int]:
    """The gaps, and how far they cover: up to `last`, or to before the first unfinished one that did not fit."""
    packed = bytearray()
    before = base
    room -= len(varint(last - base + 1))
    for offset in unfinished:
        if offset > last:
            break
        gap = offset - before
        if len(packed) + (gap.bit_length() + 6) // 7 > room:
            last = offset - 1
            break
        while gap >= _CONTINUED:  # as `varint`, a hundred thousand times a second
            packed.append(gap & 0x7F | _CONTINUED)
            gap >>= 7
        packed.append(gap)
        before = offset
    return varint(last - base + 1) + packed, last


def _from_gaps(base: int, packed: bytes) -> DoneMap | None:
    numbers: list[int] = []
    at = 0
    while at < len(packed):
        number, at = read_varint(packed, at)
        numbers.append(number)
    if not numbers:
        return None
    offset = base
    unfinished = []
    for gap in numbers[1:]:
        offset += gap
        unfinished.append(offset)
    return DoneMap(base=base, last=base + numbers[0] - 1, unfinished=frozenset(unfinished))


def _pack_partly(base: int, partly: Partly, room: int) -> bytearray:
    """The lowest records first, as many as have room."""
    packed = bytearray()
    before = base
    for offset in sorted(partly):
        names = b"".join(sorted(partly[offset]))  # in one order, so that what did not change is not committed again
        one = varint(offset - before) + varint(len(names) // _NAME_BYTES) + names
        if len(packed) + len(one) > room:
            break
        packed += one
        before = offset
    return packed


def _unpack_partly(base: int, packed: bytes) -> dict[int, frozenset[bytes]]:
    partly: dict[int, frozenset[bytes]] = {}
    offset, at = base, 0
    while at < len(packed):
        gap, at = read_varint(packed, at)
        number, at = read_varint(packed, at)
        offset += gap
        end = at + number * _NAME_BYTES
        if end > len(packed):
            raise IndexError
        partly[offset] = frozenset(packed[each : each + _NAME_BYTES] for each in range(at, end, _NAME_BYTES))
        at = end
    return partly


def _bitmap(base: int, last: int, unfinished: Sequence[int], size: int) -> bytearray:
    packed = bytearray(size)
    for offset in unfinished:
        if offset > last:
            break
        packed[(offset - base) >> 3] |= 1 << ((offset - base) & 7)
    for beyond in range(last - base + 1, size * 8):  # what the last byte has too much is not finished
        packed[beyond >> 3] |= 1 << (beyond & 7)
    return packed


def _from_bitmap(base: int, packed: bytes) -> DoneMap:
    unfinished = frozenset(base + 8 * at + bit for at, byte in enumerate(packed) if byte for bit in _BITS[byte])
    return DoneMap(base=base, last=base + len(packed) * 8 - 1, unfinished=unfinished)


def _text(packed: bytes | bytearray) -> str:
    return base64.b64encode(packed).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _checksum(base: int, *texts: str) -> str:
    return f"{zlib.crc32('|'.join((_VERSION, str(base), *texts)).encode()):08x}"
