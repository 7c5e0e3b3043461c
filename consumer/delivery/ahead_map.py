"""What is told, in a commit's map, of the records that were taken in ahead of their turn. Pure.

    for each webhook: 8 bytes of its key's hash, then varints:
    where that begins, from the map's base · how many offsets it covers · how many of its records there are unfinished,
    and the distance of each from the one before (the first from where that begins)

The law: what is told as finished was; what does not fit is only delivered again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consumer.delivery.varint import read_varint, varint

AHEAD_MOST: Final = 1_000  # bytes
_NAME_BYTES: Final = 8  # that two keys share them: 1 in 10^19


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """Of one webhook, all records from `start` up to but without `end` are finished, but those `unfinished`."""

    start: int
    end: int
    unfinished: frozenset[int] = frozenset()

    def is_done(self, offset: int) -> bool:
        """Whether this record of the webhook is finished."""
        return self.start <= offset < self.end and offset not in self.unfinished


Ahead = Mapping[bytes, Horizon]
"""By `named` of the webhook's key."""


def named(key: bytes) -> bytes:
    """What is kept of a webhook's key."""
    return hashlib.blake2b(key, digest_size=_NAME_BYTES).digest()


def pack(base: int, ahead: Ahead, most: int = AHEAD_MOST) -> bytearray:
    """The first webhooks first, as many as have room in so many bytes; nothing of what lies below the base."""
    packed = bytearray()
    for name, horizon in ahead.items():
        start = max(base, horizon.start)
        if horizon.end <= start:
            continue
        unfinished = sorted(each for each in horizon.unfinished if each >= start)
        one = name + varint(start - base) + varint(horizon.end - start) + varint(len(unfinished))
        before = start
        for offset in unfinished:
            one += varint(offset - before)
            before = offset
        if len(packed) + len(one) > most:
            break
        packed += one
    return packed


def unpack(base: int, packed: bytes) -> dict[bytes, Horizon]:
    """Raises IndexError where the bytes end too early."""
    ahead: dict[bytes, Horizon] = {}
    at = 0
    while at < len(packed):
        name = packed[at : at + _NAME_BYTES]
        gap, at = read_varint(packed, at + _NAME_BYTES)
        span, at = read_varint(packed, at)
        number, at = read_varint(packed, at)
        offset = start = base + gap
        unfinished: set[int] = set()
        for _ in range(number):
            gap, at = read_varint(packed, at)
            offset += gap
            unfinished.add(offset)
        ahead[name] = Horizon(start=start, end=start + span, unfinished=frozenset(unfinished))
    return ahead


def joined(one: Ahead, other: Ahead) -> dict[bytes, Horizon]:
    """What either says; where the two do not touch, what the one says that goes further."""
    both = dict(one)
    for name, horizon in other.items():
        both[name] = _joined(both[name], horizon) if name in both else horizon
    return both


def _joined(one: Horizon, other: Horizon) -> Horizon:
    if one.end < other.end:
        one, other = other, one
    if other.end < one.start:
        return one
    unfinished = frozenset(
        each for each in one.unfinished | other.unfinished if not (one.is_done(each) or other.is_done(each))
    )
    return Horizon(start=min(one.start, other.start), end=one.end, unfinished=unfinished)
