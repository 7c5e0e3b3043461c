"""The head of the attempt record, read by hand: what lists and health are made of, of every attempt there is.

The laws:
- what is read is what fastavro reads (`tests/property/test_records.py`); a record of an earlier schema is left to it;
- the head stands first in the schema and ends before anything large, so no reader of it walks through headers and
  bodies. What follows it is not looked at.

Bytes are as `attempt_encoding.py` draws them, and read by `avro_bytes.py`. With a 1 KB body and 12 headers this takes a
third of what fastavro takes to pass over what is not wanted.
"""

from typing import Final, NamedTuple

import msgspec

from consumer.kafka.attempt_encoding import ATTEMPT
from consumer.kafka.avro_bytes import MALFORMED, boolean, double, long, optional, optional_long, string
from consumer.wire import HEAD_BYTES, RecordCorrupt


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
    except MALFORMED as error:
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
    except MALFORMED as error:
        raise RecordCorrupt(f"malformed: {type(error).__name__}") from error
    if at > len(value):
        raise RecordCorrupt("malformed: it is cut")
    return head, place


def _place(value: bytes, at: int) -> tuple[EventPlace, int]:
    """What follows the head: failure_detail, product, content_type, event_time_ms, and then the place."""
    _, at = string(value, at)
    _, at = optional(value, at)
    _, at = string(value, at)
    _, at = long(value, at)
    topic, at = string(value, at)
    partition, at = long(value, at)
    offset, at = long(value, at)
    return EventPlace(topic, partition, offset), at


def _head(value: bytes) -> tuple[Head, int]:
    delivery_id, at = string(value, HEAD_BYTES)
    event_id, at = string(value, at)
    event_type, at = string(value, at)
    tenant, at = string(value, at)
    subscription_id, at = string(value, at)
    number, at = long(value, at)
    at_ms, at = long(value, at)
    first_attempt_ms, at = optional_long(value, at)
    url, at = string(value, at)
    status, at = optional_long(value, at)
    failure, at = optional(value, at)
    elapsed_ms, at = double(value, at)
    outcome, at = string(value, at)
    next_tier, at = optional(value, at)
    reason, at = optional(value, at)
    replay_id, at = optional(value, at)
    trigger, at = string(value, at)
    job_id, at = optional(value, at)
    brand, at = string(value, at)
    response_truncated, at = boolean(value, at)
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
        response_truncated=response_truncated,
    )
    return head, at
