"""Avro binary, read by hand: the values of a record one after the other, by the kinds that its schema tells.

How values are laid out: `avro_text.py`. A record inside a record stands there with its own values.

The law: what is read is what fastavro reads (`tests/property/test_records.py`), and bytes that are no such record, or
end too early, raise ValueError. The native step reads the same (`native/delivery/src/avro.rs`), in a tenth of the time.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, cast

from consumer import native
from consumer.json import Json
from consumer.rows import KINDS
from consumer.wire import HEAD_BYTES, RecordCorrupt

Read: TypeAlias = Callable[[bytes, int], tuple[tuple[Any, ...], int]]
"""The values from a place on, and where the last one ends. Any: of as many types as there are kinds."""

_DOUBLE: Final = struct.Struct("<d")
_SIGN_OR_MORE: Final = 0x81
_MORE: Final = 0x80
_SEVEN: Final = 0x7F
_LONG_BITS: Final = 64
_SECOND: Final = 2  # branch of a union, as zigzag varint


class Layout(NamedTuple):
    """The names of a record's values in their order, and a letter for the kind of each: upper case for one or null."""

    names: tuple[str, ...]
    kinds: str


def layout(schema: Mapping[str, Json], *, until: str | None = None) -> Layout:
    """Of a record's schema, up to the field `until`. What is of a record inside it is named by its own names alone.

    Raises:
        KeyError: a field is of a kind that is not read here.
    """
    names: list[str] = []
    kinds: list[str] = []
    for each in cast("Sequence[Mapping[str, Json]]", schema["fields"]):
        name, type_ = cast("str", each["name"]), each["type"]
        if isinstance(type_, Mapping):
            inner = layout(type_)
            names += inner.names
            kinds += inner.kinds
        else:
            names.append(name)
            kinds.append(KINDS[type_] if isinstance(type_, str) else KINDS[cast("Sequence[str]", type_)[1]].upper())
        if name == until:
            break
    return Layout(tuple(names), "".join(kinds))


def reading(kinds: str) -> Read:
    """Who reads these, one after the other."""
    if not native.is_installed():
        return partial(read, kinds)
    from hookline_native import read_avro  # noqa: PLC0415 - it may not be installed

    return partial(read_avro, kinds)


def values_of(read: Read, value: bytes) -> tuple[tuple[Any, ...], int]:
    """The values behind a record's head, and where the last one ends.

    Raises:
        RecordCorrupt: it has none such.
    """
    try:
        return read(value, HEAD_BYTES)
    except ValueError as error:
        raise RecordCorrupt(f"malformed: {error}") from error


def read(kinds: str, value: bytes, at: int) -> tuple[tuple[Any, ...], int]:
    """The values of these kinds, and where the last one ends.

    Raises:
        ValueError: these bytes are none, or they are cut.
    """
    found: list[Any] = []
    try:
        for kind in kinds:
            one, at = _READ[kind](value, at)
            found.append(one)
    except (IndexError, struct.error) as error:
        raise ValueError("it is cut") from error
    if at > len(value):
        raise ValueError("it is cut")
    return tuple(found), at


def _long(value: bytes, at: int) -> tuple[int, int]:
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


def _double(value: bytes, at: int) -> tuple[float, int]:
    return _DOUBLE.unpack_from(value, at)[0], at + 8


def _boolean(value: bytes, at: int) -> tuple[bool, int]:
    return value[at] != 0, at + 1


def _string(value: bytes, at: int) -> tuple[str, int]:
    length = value[at]
    at += 1
    if length & _SIGN_OR_MORE:
        end, at = _end(value, at - 1)
    else:
        end = at + (length >> 1)
    return value[at:end].decode(), end


def _octets(value: bytes, at: int) -> tuple[bytes, int]:
    end, at = _end(value, at)
    return value[at:end], end


def _end(value: bytes, at: int) -> tuple[int, int]:
    """Where what has a length ends, and where it begins behind that."""
    length, at = _long(value, at)
    if length < 0:
        raise ValueError("a negative length")
    return at + length, at


def _or_null(one: Callable[[bytes, int], tuple[Any, int]], value: bytes, at: int) -> tuple[Any, int]:
    branch = value[at]
    if branch == 0:
        return None, at + 1
    if branch != _SECOND:
        raise ValueError("no such branch")
    return one(value, at + 1)


_ALWAYS: Final[Mapping[str, Callable[[bytes, int], tuple[Any, int]]]] = {
    "s": _string,
    "b": _octets,
    "l": _long,
    "d": _double,
    "t": _boolean,
}
_READ: Final[Mapping[str, Callable[[bytes, int], tuple[Any, int]]]] = {
    **_ALWAYS,
    **{kind.upper(): partial(_or_null, one) for kind, one in _ALWAYS.items()},
}
