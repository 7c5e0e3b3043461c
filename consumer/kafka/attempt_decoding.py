"""The head of the attempt record, read by hand: what lists and health are made of, of every attempt there is.

The laws:
- what is read is what fastavro reads (`tests/property/test_records.py`); a record of an earlier schema is left to it;
- the head stands first in the schema and ends before anything large, so no reader of it walks through headers and
  bodies. What follows it is not looked at;
- it stands in the clear, also where the rest is sealed (`attempt_sealing.py`).

Bytes are as `attempt_encoding.py` draws them, and read by `avro_bytes.py`. With a 1 KB body and 12 headers this takes a
third of what fastavro takes to pass over what is not wanted.
"""

from typing import Final, NamedTuple

import msgspec

from consumer.kafka.attempt_encoding import ATTEMPT
from consumer.kafka.avro_bytes import layout, reading, values_of
from consumer.kafka.sealed import clear_of, is_sealed
from consumer.schemas import avro_history
from consumer.wire import HEAD_BYTES


class Head(msgspec.Struct, frozen=True):
    """What lists and health are made of; see `delivery.Attempt`.

    Its fields are those of the schema in their order, so it is made of what was read without naming each, which takes
    five times as long.
    """

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


_SCHEMA: Final = avro_history("Attempt")[0]
_HEAD_VALUES: Final = len(Head.__struct_fields__)
_read_head: Final = reading(layout(_SCHEMA, until=Head.__struct_fields__[-1]).kinds)
_read_placed: Final = reading(layout(_SCHEMA, until="event_offset").kinds)
_earlier: Final = ATTEMPT.reading(Head.__struct_fields__)
_NOWHERE: Final = EventPlace("", -1, -1)


def decode_head(value: bytes) -> Head:
    """The part of what the attempts topic holds.

    Raises:
        RecordCorrupt: it is no attempt.
    """
    if value[:HEAD_BYTES] != ATTEMPT.head:
        return decode_head(clear_of(value)) if is_sealed(value) else Head(**_earlier(value))
    return Head(*values_of(_read_head, value)[0])


def decode_placed(value: bytes) -> tuple[Head, EventPlace]:
    """The same, and where the event lies: what jobs know an event by. An earlier record does not tell.

    Raises:
        RecordCorrupt: it is no attempt.
    """
    if value[:HEAD_BYTES] != ATTEMPT.head:
        return decode_placed(clear_of(value)) if is_sealed(value) else (Head(**_earlier(value)), _NOWHERE)
    values, _ = values_of(_read_placed, value)
    return Head(*values[:_HEAD_VALUES]), EventPlace(*values[-len(EventPlace._fields) :])
