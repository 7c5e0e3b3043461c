"""Avro binary, written by hand: nearly all of a record is ASCII text between lengths.

So it is put together as str, where every character stands for one byte, and becomes bytes at once.

    string, bytes   length as zigzag varint, then UTF-8 or the bytes
    int, long       zigzag varint
    double          8 bytes, little-endian
    array           count as zigzag varint, the items, 0x00; an empty one is 0x00 alone
    union           0x00 for null, 0x02 and then the other branch

The law: the bytes are those that fastavro writes (`tests/property/test_records.py`). The native step writes the same
(`native/delivery/src/avro.rs`).
"""

import struct
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias

from consumer import native

Write: TypeAlias = Callable[[tuple[Any, ...]], bytes]
"""A record's values, one after the other, as its bytes. Any: of as many types as there are kinds."""

_DOUBLE: Final = struct.Struct("<d")

NULL: Final = "\x00"
PRESENT: Final = "\x02"


def _in_sevens(number: int, *, more: bool) -> str:
    """An unsigned number of 14 bits at most: minimal where it ends, two characters where `more` follow."""
    if more:
        return chr(number & 0x7F | 0x80) + chr(number >> 7 | 0x80)
    return chr(number) if number <= 0x7F else chr(number & 0x7F | 0x80) + chr(number >> 7)  # noqa: PLR2004 # seven bits


_BITS: Final = 14
_MASK: Final = (1 << _BITS) - 1
_SMALL: Final = _MASK >> 1
_LAST: Final = tuple(_in_sevens(number, more=False) for number in range(1 << _BITS))
_MORE: Final = tuple(_in_sevens(number, more=True) for number in range(1 << _BITS))
SHORT: Final = _LAST[:4_096:2]
"""Lengths: numbers that are not negative, doubled."""
ODD: Final = "\xff"  # not ASCII


def varint(number: int) -> str:
    """A long as zigzag varint, a character for each byte."""
    if 0 <= number <= _SMALL:
        return _LAST[number << 1]
    rest = (number << 1) ^ (number >> 63)
    return _LAST[rest] if rest <= _MASK else _MORE[rest & _MASK] + _above(rest >> _BITS)


@lru_cache(maxsize=1_024)
def _above(rest: int) -> str:
    """What follows the first 14 bits of a number: the same for eight seconds of times, and for 8,192 offsets."""
    return _LAST[rest] if rest <= _MASK else _MORE[rest & _MASK] + _above(rest >> _BITS)


def string(text: str) -> str:
    """A string, whatever is in it."""
    if not text.isascii():
        # A lone surrogate cannot be written; the log of an odd header is no reason to stop.
        text = text.encode("utf-8", "replace").decode("latin-1")
    length = len(text)
    return (SHORT[length] if length < len(SHORT) else varint(length)) + text


def optional(text: str | None) -> str:
    """The same, or none."""
    return NULL if text is None else PRESENT + string(text)


def exact(text: str) -> str:
    """A string that must not be changed.

    Raises:
        UnicodeEncodeError: it has a lone surrogate.
    """
    if not text.isascii():
        text.encode()
    return string(text)


def writing(head: bytes, kinds: str) -> Write:
    """Who writes records that begin with `head`, of values of these kinds (`avro_bytes.Layout`).

    Raises, when it writes:
        UnicodeEncodeError: a text has a lone surrogate.
        ValueError: there are fewer or more values.
    """
    if not native.is_installed():
        return partial(write, head, kinds)
    from hookline_native import write_avro  # noqa: PLC0415 - it may not be installed

    return partial(write_avro, head, kinds)


def write(head: bytes, kinds: str, values: tuple[Any, ...]) -> bytes:
    """The same in Python."""
    return head + "".join([_WRITE[kind](value) for kind, value in zip(kinds, values, strict=True)]).encode("latin-1")


def _octets(value: bytes) -> str:
    return varint(len(value)) + value.decode("latin-1")


def _double(value: float) -> str:
    return _DOUBLE.pack(value).decode("latin-1")


def _or_null(one: Callable[[Any], str], value: object) -> str:
    return NULL if value is None else PRESENT + one(value)


_ALWAYS: Final[Mapping[str, Callable[[Any], str]]] = {
    "s": exact,
    "b": _octets,
    "l": varint,
    "d": _double,
    "t": chr,
}
_WRITE: Final[Mapping[str, Callable[[Any], str]]] = {
    **_ALWAYS,
    **{kind.upper(): partial(_or_null, one) for kind, one in _ALWAYS.items()},
}
