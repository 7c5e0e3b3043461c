"""Avro binary, read by hand: each function takes bytes and where a value begins, and tells the value and where it ends.

How values are laid out: `avro_text.py`.

The law: what is read is what fastavro reads (`tests/property/test_records.py`). Bytes that are no such value raise one
of MALFORMED, but for those that end too early: then the place told lies behind their end, which the caller compares.
"""

import struct
from typing import Final

MALFORMED: Final = (IndexError, ValueError, struct.error)

_DOUBLE: Final = struct.Struct("<d")
_SIGN_OR_MORE: Final = 0x81
_MORE: Final = 0x80
_SEVEN: Final = 0x7F
_LONG_BITS: Final = 64
_SECOND: Final = 2  # branch of a union, as zigzag varint


def long(value: bytes, at: int) -> tuple[int, int]:
    """An int or a long."""
    rest = value[at]
    at += 1
    if rest >= _MORE:
        rest &= _SEVEN
        bits = 7
        while (byte := value[at]) >= _MORE:
            rest |= (byte & _SEVEN) << bits
            at += 1
            bits += 7
            if bits >= _LONG_BITS:
                raise ValueError("longer than a long")
        rest |= byte << bits
        at += 1
        if rest >> _LONG_BITS:
            raise ValueError("larger than a long")
    return (rest >> 1) ^ -(rest & 1), at


def double(value: bytes, at: int) -> tuple[float, int]:
    """A double."""
    return _DOUBLE.unpack_from(value, at)[0], at + 8


def boolean(value: bytes, at: int) -> tuple[bool, int]:
    """A boolean."""
    return value[at] != 0, at + 1


def string(value: bytes, at: int) -> tuple[str, int]:
    """A string."""
    length = value[at]
    at += 1
    if length & _SIGN_OR_MORE:
        end, at = _end(value, at - 1)
    else:
        end = at + (length >> 1)
    return value[at:end].decode(), end


def octets(value: bytes, at: int) -> tuple[bytes, int]:
    """Bytes."""
    end, at = _end(value, at)
    return value[at:end], end


def is_there(value: bytes, at: int) -> bool:
    """Whether a union of null and something, which begins here, holds something: it follows then."""
    branch = value[at]
    if branch not in (0, _SECOND):
        raise ValueError("no such branch")
    return branch == _SECOND


def optional(value: bytes, at: int) -> tuple[str | None, int]:
    """A string, or none."""
    return string(value, at + 1) if is_there(value, at) else (None, at + 1)


def optional_long(value: bytes, at: int) -> tuple[int | None, int]:
    """An int or a long, or none."""
    return long(value, at + 1) if is_there(value, at) else (None, at + 1)


def _end(value: bytes, at: int) -> tuple[int, int]:
    """Where what has a length ends, and where it begins behind that."""
    length, at = long(value, at)
    if length < 0:
        raise ValueError("a negative length")
    return at + length, at
