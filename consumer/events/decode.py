"""A record becomes what it is.

The law: decode is a total function. Every record, whatever its bytes and headers, becomes exactly one of Event,
Tombstone, Poison or SchemaNeeded; nothing is read, written or changed on the way.

In this order: no value, too large, headers that cannot be read, declared by headers (CloudEvents), told by its first
bytes (Avro), else JSON: the envelope, or a CloudEvent.
"""

from consumer.events import avro, cloudevents, envelope
from consumer.events.event import Decoded, Event, Poison, Record, SchemaNeeded, Tombstone
from consumer.events.fields import checked
from consumer.events.headers import NO_HEADERS, NamedHeaders
from consumer.events.reasons import PoisonReason, Refused
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas


def decode(record: Record, schemas: Schemas, rules: EventRules) -> Decoded:
    """What the record is. SchemaNeeded is final only for now: ask again once `schemas` knows that id."""
    value = record.value
    if value is None:
        return Tombstone()
    try:
        return _event(record, value, schemas, rules)
    except Refused as refused:
        return Poison(reason=refused.reason, detail=refused.detail)


def _event(record: Record, value: bytes, schemas: Schemas, rules: EventRules) -> Event | SchemaNeeded:
    if len(value) > rules.max_event_bytes:
        raise Refused(PoisonReason.TOO_LARGE, f"the value is larger than {rules.max_event_bytes} bytes: publish less")
    if not record.headers_readable:
        raise Refused(
            PoisonReason.UNDECODABLE,
            "a header's name is not UTF-8: rename it (the headers are at the record's place only)",
        )
    headers = NO_HEADERS
    if record.headers:
        headers = NamedHeaders(record.headers)
        if (event := cloudevents.read(record, value, headers, rules)) is not None:
            return event
    if rules.usual is not None and (usual := rules.usual(value, rules.max_event_depth)) is not None:
        return checked(record, headers, usual)  # nearly all: it begins as no Avro does
    if value.startswith(avro.REGISTRY_MAGIC):
        return avro.read_registered(record, value, headers, schemas, rules)
    if value.startswith(avro.SINGLE_OBJECT_MAGIC):
        return avro.read_single_object(record, value, headers, rules)
    return envelope.read(record, value, headers, rules)
