"""What a commit tells of the order in a partition: what is left in the log, and how often its heads were tried.

    met:   all before this offset were taken in, or left
    left:  number, then for each: the scope's length in bytes (6: a webhook, 12: a key), the scope, its first offset
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
_SCOPES: Final = (6, 12)


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
        for scope, offset in sorted(self.left.items()):
            named = bytes.fromhex(scope)
            packed += bytes([len(named)]) + named + varint(offset)
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
    for _ in range(number):
        size = packed[at]
        if size not in _SCOPES or at + size >= len(packed):
            raise IndexError
        scope = packed[at + 1 : at + 1 + size].hex()
        left[scope], at = read_varint(packed, at + 1 + size)
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


def _time(at_s: int) -> bytearray:
    return varint(max(0, at_s - _EPOCH_S))
