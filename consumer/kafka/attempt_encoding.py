"""The attempt record, encoded by hand: the one record that every delivery writes.

The law: the bytes are those that fastavro writes for schemas/avro/Attempt.avsc (a property test compares them).

    Avro binary, in the order of the schema's fields:
    string, bytes   length as zigzag varint, then UTF-8 or the bytes
    int, long       zigzag varint
    double          8 bytes, little-endian
    array           count as zigzag varint, the items, 0x00; an empty one is 0x00 alone
    union           0x00 for null, 0x02 and then the other branch

Nearly all of it is ASCII text between lengths. So it is put together as str, where every character stands for one
byte, and becomes bytes in a few pieces around the two bodies. Measured with a 1 KB body and 12 headers: 4.4 µs,
against 16 µs for fastavro's writer and the dictionaries that it wants on top.
"""

import struct
from typing import Final

from consumer.delivery.delivery import Attempt
from consumer.schemas import avro_history
from consumer.wire import WireFormat

ATTEMPT: Final = WireFormat(avro_history("Attempt"))
_HEAD: Final = ATTEMPT.head.decode("latin-1")
_DOUBLE = struct.Struct("<d")
_NULL: Final = "\x00"
_PRESENT: Final = "\x02"


def _varint(number: int) -> str:
    """A long as zigzag varint, a character for each byte."""
    rest = (number << 1) ^ (number >> 63)
    text = ""
    while rest > 0x7F:  # noqa: PLR2004 # seven bits a byte, the eighth says that more follow
        text += chr((rest & 0x7F) | 0x80)
        rest >>= 7
    return text + chr(rest)


_SHORT: Final = tuple(_varint(length) for length in range(2_048))


def _string(text: str) -> str:
    if not text.isascii():
        # A lone surrogate cannot be written; the log of an odd header is no reason to stop.
        text = text.encode("utf-8", "replace").decode("latin-1")
    length = len(text)
    return (_SHORT[length] if length < len(_SHORT) else _varint(length)) + text


def _optional(text: str | None) -> str:
    return _NULL if text is None else _PRESENT + _string(text)


def _headers(headers: tuple[tuple[str, str], ...]) -> str:
    if not headers:
        return _NULL
    short = _SHORT
    parts = [_varint(len(headers))]
    for name, value in headers:
        if name.isascii() and value.isascii() and len(name) < len(short) and len(value) < len(short):
            parts.append(f"{short[len(name)]}{name}{short[len(value)]}{value}")
        else:
            parts.append(_string(name) + _string(value))
    parts.append(_NULL)
    return "".join(parts)


def encode_attempt(attempt: Attempt) -> bytes:
    """For the attempts topic."""
    request = attempt.request_body
    response = attempt.response_body
    before = (
        f"{_HEAD}{_string(attempt.delivery_id)}{_string(attempt.event_id)}{_string(attempt.event_type)}"
        f"{_string(attempt.tenant)}{_string(attempt.subscription_id)}{_varint(attempt.number)}{_varint(attempt.at_ms)}"
        f"{_string(attempt.url)}{_headers(attempt.request_headers)}{_varint(len(request))}"
    )
    status = _NULL if attempt.status is None else _PRESENT + _varint(attempt.status)
    between = f"{status}{_headers(attempt.response_headers)}{_varint(len(response))}"
    result = f"{chr(attempt.response_truncated)}{_optional(attempt.failure)}{_string(attempt.failure_detail)}"
    after = f"{_string(attempt.outcome)}{_optional(attempt.next_tier)}{_optional(attempt.replay_id)}"
    return b"".join(
        (
            before.encode("latin-1"),
            request,
            between.encode("latin-1"),
            response,
            result.encode("latin-1"),
            _DOUBLE.pack(attempt.elapsed_ms),
            after.encode("latin-1"),
        )
    )
