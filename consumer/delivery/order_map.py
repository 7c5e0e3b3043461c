"""What a commit tells of the order in a partition: what is left in the log, and how often its heads were tried.

    met:   all before this offset were taken in, or left
    left:  number, then for each: what it is (0: a tenant, 4: a webhook, 8: a key), to which 1 is added where its tenant
           is that of the one before, 2 where its webhook is; the rest of its name, and its first offset
    heads: for each: its offset from the one before (the first from 0), twice the attempts made and 1 for one that
           stopped its key, when it is due next (or when it stopped), and when it was first tried, in seconds from 2020
           on
    Numbers are varints (LEB128).

The laws: everything that is left is told, or it would never be delivered; heads are told as far as there is room, the
lowest offsets first, and one that is not told begins its schedule anew; a due time is never told too early, and a
stop never too late.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from consumer.delivery.varint import read_varint, varint

_EPOCH_S: Final = 1_577_836_800
_NAME_BYTES: Final = (6, 12, 18)
"""Of a scope's name: a tenant's, a webhook's and a key's, each of which begins with the one before."""


class Tried(NamedTuple):
    """How often a head was tried, since when, and when it is due next; of one that stopped its key, when it did."""

    attempts: int
    due_ms: int
    first_attempt_ms: int
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`left`: from which offset on the records of a scope, hex, wait in the log. `heads`: by offset.

    All before `met` were taken in or left.
    """

    met: int = 0
    left: Mapping[str, int] = field(default_factory=dict)
    heads: Mapping[int, Tried] = field(default_factory=dict)

    def pack(self, room: int) -> bytes:
        """All that is left, whatever the room, and heads in so many bytes, those included."""
        packed = varint(self.met) + varint(len(self.left))
        last = b""
        for scope, offset in sorted(self.left.items()):
            named = bytes.fromhex(scope)
            same, known = _known(last, named)
            packed += bytes([4 * _NAME_BYTES.index(len(named)) + same]) + named[known:] + varint(offset)
            last = named
        before = 0
        for offset, tried in sorted(self.heads.items()):
            due_s = tried.due_ms // 1_000 if tried.stopped else -(-tried.due_ms // 1_000)
            attempts, first_s = 2 * tried.attempts + tried.stopped, tried.first_attempt_ms // 1_000
            one = varint(offset - before) + varint(attempts) + _time(due_s) + _time(first_s)
            if len(packed) + len(one) > room:
                break
            packed += one
            before = offset
        return bytes(packed)


def unpack(packed: bytes) -> Told:
    """Read what was packed.

    Raises:
        IndexError: it is not what `pack` makes.
    """
    if not packed:
        return Told()
    left: dict[str, int] = {}
    met, at = read_varint(packed, 0)
    number, at = read_varint(packed, at)
    last = b""
    for _ in range(number):
        kind, same = divmod(packed[at], 4)
        known = last[: _NAME_BYTES[same - 1]] if same else b""
        last = known + packed[at + 1 : at + 1 + _NAME_BYTES[kind] - len(known)]
        if len(last) != _NAME_BYTES[kind]:
            raise IndexError
        left[last.hex()], at = read_varint(packed, at + 1 + _NAME_BYTES[kind] - len(known))
    heads: dict[int, Tried] = {}
    offset = 0
    while at < len(packed):
        gap, at = read_varint(packed, at)
        attempts, at = read_varint(packed, at)
        due_s, at = read_varint(packed, at)
        first_s, at = read_varint(packed, at)
        offset += gap
        due_ms, first_ms = (due_s + _EPOCH_S) * 1_000, (first_s + _EPOCH_S) * 1_000
        heads[offset] = Tried(attempts // 2, due_ms, first_ms, stopped=attempts % 2 == 1)
    return Told(met=met, left=left, heads=heads)


def _known(last: bytes, named: bytes) -> tuple[int, int]:
    """How much of this name the one before tells, and how many bytes that are."""
    for same, size in ((2, _NAME_BYTES[1]), (1, _NAME_BYTES[0])):
        if len(last) >= size and len(named) > size and last[:size] == named[:size]:
            return same, size
    return 0, 0


def _time(at_s: int) -> bytearray:
    return varint(max(0, at_s - _EPOCH_S))
