"""Avro bytes straight to JSON text, under a limit.

The law: reading takes time and memory in proportion to the limit, whatever the bytes and the schema say. Nothing is
built but the text, each container asks before it adds to it, and no length found in the bytes is trusted: a count of
2^60 ends where the text would pass the limit. (A general decoder builds the values first and can only be asked
afterwards how large they are.)

A reader takes the bytes, where to begin, the text so far and its limit, and returns where the value ended.
"""

import math
import struct
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from consumer.events.avro_bytes import block, piece, undecodable, varint
from consumer.events.floats import shortest
from consumer.events.logical import OfBytes, OfNumber
from consumer.events.reasons import PoisonReason, Refused

Reader: TypeAlias = Callable[[bytes, int, bytearray, int], int]

_FLOAT = struct.Struct("<f")
_DOUBLE = struct.Struct("<d")
_quoted = msgspec.json.Encoder().encode


def read_json(reader: Reader, value: bytes, limit: int) -> bytes:
    """The whole of `value` as JSON text of at most `limit` bytes; refuses anything else."""
    out = bytearray()
    try:
        end = reader(value, 0, out, limit)
    except (IndexError, struct.error):
        raise undecodable("the Avro value is cut short, or was written with another schema") from None
    except UnicodeDecodeError:
        raise undecodable("an Avro string is not UTF-8, or was written with another schema") from None
    except RecursionError:
        raise Refused(PoisonReason.TOO_DEEP, "the Avro value is nested too deep: flatten its schema") from None
    if end != len(value):
        raise undecodable("bytes follow the Avro value, or it was written with another schema")
    _ask(out, limit)
    return bytes(out)


def _ask(out: bytearray, limit: int) -> None:
    if len(out) > limit:
        raise Refused(PoisonReason.TOO_LARGE, f"the Avro value is larger than {limit} bytes as JSON")


def null(data: bytes, at: int, out: bytearray, limit: int) -> int:
    del data, limit
    out += b"null"
    return at


def boolean(data: bytes, at: int, out: bytearray, limit: int) -> int:
    del limit
    if data[at] > 1:
        raise undecodable("an Avro boolean is neither 0 nor 1: it was written with another schema")
    out += b"true" if data[at] else b"false"
    return at + 1


def number(data: bytes, at: int, out: bytearray, limit: int) -> int:
    del limit
    value, at = varint(data, at)
    out += b"%d" % value
    return at


def string(data: bytes, at: int, out: bytearray, limit: int) -> int:
    del limit
    raw, at = piece(data, at)
    out += _quoted(raw.decode())
    return at


def octets(data: bytes, at: int, out: bytearray, limit: int) -> int:
    del limit
    raw, at = piece(data, at)
    out += b'"%b"' % b64encode(raw)
    return at


def single(data: bytes, at: int, out: bytearray, limit: int) -> int:
    del limit
    value = _FLOAT.unpack_from(data, at)[0]
    out += _finite(shortest(value) if math.isfinite(value) else value)
    return at + 4


def double(data: bytes, at: int, out: bytearray, limit: int) -> int:
    del limit
    out += _finite(_DOUBLE.unpack_from(data, at)[0])
    return at + 8


def _finite(value: float) -> bytes:
    if not math.isfinite(value):
        raise Refused(PoisonReason.WRONG_TYPE, "an Avro float is NaN or infinite, which JSON cannot say: use null")
    return repr(value).encode()


def number_as(show: OfNumber) -> Reader:
    """A number of a logical type."""

    def read(data: bytes, at: int, out: bytearray, limit: int) -> int:
        del limit
        value, at = varint(data, at)
        out += b'"%b"' % show(value).encode()
        return at

    return read


def octets_as(show: OfBytes) -> Reader:
    """Bytes of a logical type."""

    def read(data: bytes, at: int, out: bytearray, limit: int) -> int:
        del limit
        raw, at = piece(data, at)
        out += b'"%b"' % show(raw).encode()
        return at

    return read


def fixed(size: int, show: OfBytes | None) -> Reader:
    """A fixed, plain or of a logical type."""

    def read(data: bytes, at: int, out: bytearray, limit: int) -> int:
        del limit
        end = at + size
        if end > len(data):
            raise IndexError
        raw = data[at:end]
        out += b'"%b"' % (b64encode(raw) if show is None else show(raw).encode())
        return end

    return read


def _named(name: str) -> bytes:
    """A name in a schema as JSON."""
    try:
        return _quoted(name)
    except UnicodeEncodeError:
        detail = "a name in the schema has half of a surrogate pair, which is no character"
        raise Refused(PoisonReason.UNSUPPORTED_SCHEMA, detail) from None


def enum(symbols: Sequence[str]) -> Reader:
    """An enum, by its symbol."""
    names = [_named(symbol) for symbol in symbols]

    def read(data: bytes, at: int, out: bytearray, limit: int) -> int:
        _ask(out, limit)
        index, at = varint(data, at)
        if not 0 <= index < len(names):
            raise undecodable("an Avro enum has an index without a symbol: it was written with another schema")
        out += names[index]
        return at

    return read


def union(branches: Sequence[Reader]) -> Reader:
    """A union, by its value alone."""

    def read(data: bytes, at: int, out: bytearray, limit: int) -> int:
        index, at = varint(data, at)
        if not 0 <= index < len(branches):
            raise undecodable("an Avro union has an index without a branch: it was written with another schema")
        return branches[index](data, at, out, limit)

    return read


def record(fields: Sequence[tuple[str, Reader]]) -> Reader:
    """A record, as an object of its fields in order."""
    named = [((b"," if place else b"{") + _named(name) + b":", read) for place, (name, read) in enumerate(fields)]

    def read(data: bytes, at: int, out: bytearray, limit: int) -> int:
        _ask(out, limit)
        if not named:
            out += b"{"
        for head, field in named:
            out += head
            at = field(data, at, out, limit)
        out += b"}"
        return at

    return read


def array(item: Reader) -> Reader:
    """An array, in as many blocks as it was written."""

    def read(data: bytes, at: int, out: bytearray, limit: int) -> int:
        separator = b"["
        count, at = block(data, at)
        while count:
            for _ in range(count):
                _ask(out, limit)
                out += separator
                separator = b","
                at = item(data, at, out, limit)
            count, at = block(data, at)
        out += b"[]" if separator == b"[" else b"]"
        return at

    return read


def map_of(item: Reader) -> Reader:
    """A map, as an object. A key written twice is refused: readers of JSON would disagree on which counts."""

    def read(data: bytes, at: int, out: bytearray, limit: int) -> int:
        keys: set[bytes] = set()
        out += b"{"
        count, at = block(data, at)
        while count:
            for _ in range(count):
                _ask(out, limit)
                key, at = piece(data, at)
                if key in keys:
                    raise Refused(PoisonReason.DUPLICATE_FIELD, "an Avro map names a key twice: write each once")
                out += (b"," if keys else b"") + _quoted(key.decode()) + b":"
                keys.add(key)
                at = item(data, at, out, limit)
            count, at = block(data, at)
        out += b"}"
        return at

    return read
