"""The head of the attempt record, read by hand: what lists and health are made of, of every attempt there is.

The laws:
- what is read is what fastavro reads (`tests/property/test_records.py`); a record of an earlier schema is left to it;
- the head stands first in the schema and ends before anything large, so no reader of it walks through headers and
  bodies. What follows it is not looked at.

Bytes are as `attempt_encoding.py` draws them. With a 1 KB body and 12 headers this takes a third of what fastavro takes
to pass over what is not wanted.
"""

import struct
from typing import Final, NamedTuple

import msgspec

from consumer.kafka.attempt_encoding import ATTEMPT
from consumer.wire import HEAD_BYTES, RecordCorrupt

_DOUBLE: Final = struct.Struct("<d")
_SIGN_OR_MORE: Final = 0x81
_MORE: Final = 0x80
_SEVEN: Final = 0x7F
_LONG_BITS: Final = 64
_SECOND: Final = 2  # branch of a union, as zigzag varint
_MALFORMED: Final = (IndexError, ValueError, struct.error)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What lists and health are made of; see `delivery.Attempt`."""

    delivery_id: str
    event_id: str
    event_type: str
    tenant: str
    subscription_id: str
    number: int
    at_ms: int
    first_attempt_ms: int | None
    url: str
    status: int | None
    failure: str | None
    elapsed_ms: float
    outcome: str
    next_tier: str | None
    reason: str | None
    replay_id: str | None
    trigger: str
    job_id: str | None
    brand: str
    response_truncated: bool


class EventPlace(NamedTuple):
    """Where an attempt's event lies; the topic is empty where that is nowhere, or nobody wrote it down."""

    topic: str
    partition: int
    offset: int


_earlier: Final = ATTEMPT.reading(Head.__struct_fields__)
_NOWHERE: Final = EventPlace("", -1, -1)


def decode_head(value: bytes) -> Head:
    """The part of what the attempts topic holds.

    Raises:
        RecordCorrupt: it is no attempt.
    """
    if value[:HEAD_BYTES] != ATTEMPT.head:
        return Head(**_earlier(value))
    try:
        head, at = _head(value)
    except _MALFORMED as error:
        raise RecordCorrupt(f"malformed: {type(error).__name__}") from error
    if at > len(value):
        raise RecordCorrupt("malformed: it is cut")
    return head


def decode_placed(value: bytes) -> tuple[Head, EventPlace]:
    """The same, and where the event lies: what jobs know an event by. An earlier record does not tell.

    Raises:
        RecordCorrupt: it is no attempt.
    """
    if value[:HEAD_BYTES] != ATTEMPT.head:
        return Head(**_earlier(value)), _NOWHERE
    try:
        head, at = _head(value)
        place, at = _place(value, at)
    except _MALFORMED as error:
        raise RecordCorrupt(f"malformed: {type(error).__name__}") from error
    if at > len(value):
        raise RecordCorrupt("malformed: it is cut")
    return head, place


def _place(value: bytes, at: int) -> tuple[EventPlace, int]:
    """What follows the head: failure_detail, product, content_type, event_time_ms, and then the place."""
    _, at = _string(value, at)
    _, at = _optional(value, at)
    _, at = _string(value, at)
    _, at = _long(value, at)
    topic, at = _string(value, at)
    partition, at = _long(value, at)
    offset, at = _long(value, at)
    return EventPlace(topic, partition, offset), at


def _head(value: bytes) -> tuple[Head, int]:
    delivery_id, at = _string(value, HEAD_BYTES)
    event_id, at = _string(value, at)
    event_type, at = _string(value, at)
    tenant, at = _string(value, at)
    subscription_id, at = _string(value, at)
    number, at = _long(value, at)
    at_ms, at = _long(value, at)
    first_attempt_ms, at = _optional_long(value, at)
    url, at = _string(value, at)
    status, at = _optional_long(value, at)
    failure, at = _optional(value, at)
    (elapsed_ms,), at = _DOUBLE.unpack_from(value, at), at + 8
    outcome, at = _string(value, at)
    next_tier, at = _optional(value, at)
    reason, at = _optional(value, at)
    replay_id, at = _optional(value, at)
    trigger, at = _string(value, at)
    job_id, at = _optional(value, at)
    brand, at = _string(value, at)
    head = Head(
        delivery_id=delivery_id,
        event_id=event_id,
        event_type=event_type,
        tenant=tenant,
        subscription_id=subscription_id,
        number=number,
        at_ms=at_ms,
        first_attempt_ms=first_attempt_ms,
        url=url,
        status=status,
        failure=failure,
        elapsed_ms=elapsed_ms,
        outcome=outcome,
        next_tier=next_tier,
        reason=reason,
        replay_id=replay_id,
        trigger=trigger,
        job_id=job_id,
        brand=brand,
        response_truncated=value[at] != 0,
    )
    return head, at + 1


def _there(value: bytes, at: int) -> bool:
    """Whether a union of null and something holds something."""
    branch = value[at]
    if branch not in (0, _SECOND):
        raise ValueError("no such branch")
    return branch == _SECOND


def _long(value: bytes, at: int) -> tuple[int, int]:
    rest, bits = 0, 0
    while True:
        byte = value[at]
        at += 1
        rest |= (byte & _SEVEN) << bits
        if byte < _MORE:
            break
        bits += 7
        if bits >= _LONG_BITS:
            raise ValueError("longer than a long")
    if rest >> _LONG_BITS:
        raise ValueError("larger than a long")
    return (rest >> 1) ^ -(rest & 1), at


def _string(value: bytes, at: int) -> tuple[str, int]:
    length = value[at]
    at += 1
    if length & _SIGN_OR_MORE:
        length, at = _long(value, at - 1)
        if length < 0:
            raise ValueError("a negative length")
        return value[at : at + length].decode(), at + length
    end = at + (length >> 1)
    return value[at:end].decode(), end


def _optional(value: bytes, at: int) -> tuple[str | None, int]:
    return _string(value, at + 1) if _there(value, at) else (None, at + 1)


def _optional_long(value: bytes, at: int) -> tuple[int | None, int]:
    return _long(value, at + 1) if _there(value, at) else (None, at + 1)
