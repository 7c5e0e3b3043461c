"""The attempt record, encoded by hand: the one record that every delivery writes.

The law: the bytes are those that fastavro writes for schemas/avro/Attempt.avsc (`tests/property/test_records.py`).

    Avro binary, in the order of the schema's fields:
    string, bytes   length as zigzag varint, then UTF-8 or the bytes
    int, long       zigzag varint
    double          8 bytes, little-endian
    array           count as zigzag varint, the items, 0x00; an empty one is 0x00 alone
    union           0x00 for null, 0x02 and then the other branch

Nearly all of it is ASCII text between lengths. So it is put together as str, where every character stands for one
byte, and becomes bytes before the two bodies.
"""

import struct
from functools import lru_cache
from typing import Final

from consumer.delivery.delivery import Attempt, Bodies
from consumer.delivery.logged import DELIVERED_WORD, Unread, word_of
from consumer.delivery.outcome import DELIVERED, Dead
from consumer.schemas import avro_history
from consumer.signing.request import Request
from consumer.wire import WireFormat

ATTEMPT: Final = WireFormat(avro_history("Attempt"))
_HEAD: Final = ATTEMPT.head.decode("latin-1")
_DOUBLE = struct.Struct("<d")
_NULL: Final = "\x00"
_PRESENT: Final = "\x02"


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
_SHORT: Final = _LAST[:4_096:2]
"""Lengths: numbers that are not negative, doubled."""
_ODD: Final = "\xff"  # not ASCII


def _varint(number: int) -> str:
    """A long as zigzag varint, a character for each byte."""
    if 0 <= number <= _SMALL:
        return _LAST[number << 1]
    rest = (number << 1) ^ (number >> 63)
    return _LAST[rest] if rest <= _MASK else _MORE[rest & _MASK] + _above(rest >> _BITS)


@lru_cache(maxsize=1_024)
def _above(rest: int) -> str:
    """What follows the first 14 bits of a number: the same for eight seconds of times, and for 8,192 offsets."""
    return _LAST[rest] if rest <= _MASK else _MORE[rest & _MASK] + _above(rest >> _BITS)


def _string(text: str) -> str:
    if not text.isascii():
        # A lone surrogate cannot be written; the log of an odd header is no reason to stop.
        text = text.encode("utf-8", "replace").decode("latin-1")
    length = len(text)
    return (_SHORT[length] if length < len(_SHORT) else _varint(length)) + text


def _optional(text: str | None) -> str:
    return _NULL if text is None else _PRESENT + _string(text)


def _double(number: float) -> str:
    return _DOUBLE.pack(number).decode("latin-1")


def _time(ms: float | None) -> str:
    return _NULL if ms is None else _PRESENT + _double(ms)


def _headers(headers: tuple[tuple[str, str], ...]) -> str:
    """Nearly always all are ASCII and shorter than 64, and so are their lengths: that is seen of all at once."""
    if not headers:
        return _NULL
    short, told = _SHORT, ""
    try:
        for name, value in headers:
            told += f"{short[len(name)]}{name}{short[len(value)]}{value}"
    except IndexError:  # one is long
        told = _ODD
    if not told.isascii():
        told = "".join([_string(name) + _string(value) for name, value in headers])
    return f"{_varint(len(headers))}{told}{_NULL}"


def _names(attempt: Attempt) -> str:
    """The texts with which a record begins, as `_headers` has it: where all are short and ASCII they are soon told."""
    short = _SHORT
    delivery, event, kind = attempt.delivery_id, attempt.event_id, attempt.event_type
    tenant, subscription = attempt.tenant, attempt.subscription_id
    try:
        told = (
            f"{short[len(delivery)]}{delivery}{short[len(event)]}{event}{short[len(kind)]}{kind}"
            f"{short[len(tenant)]}{tenant}{short[len(subscription)]}{subscription}"
        )
    except IndexError:
        told = _ODD
    return told if told.isascii() else "".join(map(_string, (delivery, event, kind, tenant, subscription)))


_AS_THEY_WERE: Final = Bodies.WHOLE.value
_WHOLE: Final = _string(_AS_THEY_WERE)


def encode_attempt(attempt: Attempt) -> bytes:
    """For the attempts topic."""
    request, response = attempt.request_body, attempt.response_body
    told = (
        f"{_HEAD}{_names(attempt)}{_varint(attempt.number)}{_varint(attempt.at_ms)}"
        f"{_NULL if attempt.first_attempt_ms is None else _PRESENT + _varint(attempt.first_attempt_ms)}"
        f"{_string(attempt.url)}{_NULL if attempt.status is None else _PRESENT + _varint(attempt.status)}"
        f"{_optional(attempt.failure)}{_double(attempt.elapsed_ms)}{_string(attempt.outcome)}"
        f"{_optional(attempt.next_tier)}{_optional(attempt.reason)}{_optional(attempt.replay_id)}"
        f"{_string(attempt.trigger)}{_optional(attempt.job_id)}{_string(attempt.brand)}"
        f"{chr(attempt.response_truncated)}{_string(attempt.failure_detail)}{_optional(attempt.product)}"
        f"{_string(attempt.content_type)}{_varint(attempt.event_time_ms)}{_string(attempt.event_topic)}"
        f"{_varint(attempt.event_partition)}{_varint(attempt.event_offset)}{_varint(attempt.first_due_ms)}"
        f"{_time(attempt.dns_ms)}{_time(attempt.connect_ms)}{_time(attempt.tls_ms)}{_time(attempt.first_byte_ms)}"
        f"{_WHOLE if attempt.bodies == _AS_THEY_WERE else _string(attempt.bodies)}"
        f"{_headers(attempt.request_headers)}{_headers(attempt.response_headers)}{_varint(len(request))}"
    )
    return b"".join((told.encode("latin-1"), request, _varint(len(response)).encode("latin-1"), response))


def encode_unread(unread: Unread) -> bytes | None:
    """The same of an attempt whose contents the native step has, which writes it; None: it cannot be told all of it."""
    job, outcome = unread.job, unread.outcome
    delivery, written = job.delivery, job.request
    event = delivery.event
    if written is None or isinstance(written, Request):
        raise AssertionError("an answer is kept where its request was written")
    try:
        return unread.answer.came.record(
            ATTEMPT.head,
            written,
            delivery.id,
            event.id,
            event.type,
            event.tenant,
            delivery.subscription_id,
            delivery.attempts + 1,
            job.started_ms,
            delivery.first_attempt_ms,
            DELIVERED_WORD if outcome is DELIVERED else word_of(outcome),
            unread.next_tier,
            outcome.reason if isinstance(outcome, Dead) else None,
            delivery.replay_id,
            delivery.trigger,
            delivery.job_id,
            event.product,
            event.time_ms,
            event.topic,
            event.partition,
            event.offset,
            delivery.first_due_ms,
        )
    except (UnicodeEncodeError, OverflowError):  # a text is not Unicode, or a number has more than 64 bits
        return None
