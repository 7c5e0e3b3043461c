"""What a consumed record can turn out to be.

The law: every record becomes exactly one of Event, Tombstone, Poison or SchemaNeeded, and none of them
loses the record it came from.

Structs, since one of each is made for each record: a frozen dataclass takes ten times as long.
"""

from typing import TypeAlias

import msgspec

RecordHeaders: TypeAlias = tuple[tuple[str, bytes | None], ...]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record as consumed: bytes untouched. `timestamp_ms` is the record's own (CreateTime or LogAppendTime).

    Headers that are not `headers_readable` are none: a name is not UTF-8, and Kafka's client gives none of them then.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: RecordHeaders
    timestamp_ms: int
    headers_readable: bool = True
    leader_epoch: int | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A domain event.

    `data` is the event's payload as JSON, byte for byte as the producer wrote it where it was JSON.
    `time_ms` is when it happened (the envelope's, else the record's timestamp). `traceparent` is valid (W3C Trace
    Context, version 00) or None: it was checked when the event was decoded, and records of ours carry it on as it is.
    `source` is a CloudEvent's, None for any other event.
    """

    id: str
    type: str
    tenant: str
    product: str | None
    time_ms: int
    data: bytes
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    traceparent: str | None = None
    source: str | None = None


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """A record without a value: skipped and counted."""


class Poison(msgspec.Struct, frozen=True, kw_only=True):
    """A record that can never become an event. `reason` is a stable word to filter by, `detail` names field and fix."""

    reason: str
    detail: str


class SchemaNeeded(msgspec.Struct, frozen=True, kw_only=True):
    """The record waits until the registry has answered for this schema: being out of reach is not poison."""

    schema_id: int


Decoded: TypeAlias = Event | Tombstone | Poison | SchemaNeeded
