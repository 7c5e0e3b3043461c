"""Avro events: the envelope io.hookline.Event, or any record of the producers' own.

    Schema Registry      00 | schema id, 4 bytes, big-endian              | value
    single object        C3 01 | CRC-64-AVRO fingerprint, 8, little-endian | value

The law: a record of the producers' own becomes `data` whole, as JSON; its metadata is taken from the headers
`event-type`, `tenant`, `event-id`, `product` and `event-time` (RFC 3339), each else from the field the operator
configured for it. Those headers mean nothing on any other format.
"""

from functools import cache

import msgspec
from fastavro.schema import fingerprint, to_parsing_canonical_form

from consumer.events.avro_bytes import read_branch
from consumer.events.avro_json import read_json
from consumer.events.document import json_text, parsed
from consumer.events.envelope import event_of
from consumer.events.event import Event, Record, SchemaNeeded
from consumer.events.fields import event, range_checked_ms, text_ms
from consumer.events.headers import NamedHeaders
from consumer.events.members import members
from consumer.events.reasons import PoisonReason, Refused
from consumer.events.rules import EventRules
from consumer.events.schema import (
    ENVELOPE,
    ParsedSchema,
    ParsedUnion,
    RefusedSchema,
    SchemaAnswer,
    Schemas,
    UnknownSchema,
    parse,
)
from consumer.json import Json
from consumer.schemas import avro_schema

REGISTRY_MAGIC = b"\x00"
SINGLE_OBJECT_MAGIC = b"\xc3\x01"

_ID_END = 5
_FINGERPRINT_END = 10
_MAX_SCHEMA_ID = 2**31 - 1
_BYTES = msgspec.json.Decoder(bytes | None)


@cache
def event_schema() -> tuple[bytes, ParsedSchema]:
    """The fingerprint of schemas/avro/Event.avsc as it stands in a record, and the schema compiled."""
    schema = avro_schema("Event")
    parsed = parse(dict(schema))
    assert isinstance(parsed, ParsedSchema)
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(dict(schema)), "CRC-64-AVRO")), parsed


def read_single_object(record: Record, value: bytes, headers: NamedHeaders, rules: EventRules) -> Event:
    """The event of a record in single-object encoding."""
    expected, schema = event_schema()
    if value[2:_FINGERPRINT_END] != expected:
        raise Refused(
            PoisonReason.UNKNOWN_SCHEMA, "the fingerprint is not that of io.hookline.Event: publish with Event.avsc"
        )
    return _envelope(record, value[_FINGERPRINT_END:], headers, schema, rules)


def read_registered(
    record: Record, value: bytes, headers: NamedHeaders, schemas: Schemas, rules: EventRules
) -> Event | SchemaNeeded:
    """The event of a record in the Schema Registry's wire format, or the id of the schema to ask for first."""
    if len(value) < _ID_END:
        raise Refused(PoisonReason.UNDECODABLE, "the value is cut short: a schema id of 4 bytes belongs after 00")
    if not rules.registry:
        raise Refused(PoisonReason.UNKNOWN_SCHEMA, "no Schema Registry is configured: set HOOKLINE_SCHEMA_REGISTRY_URL")
    schema_id = int.from_bytes(value[1:_ID_END], "big")
    # A registry's ids are positive 32-bit integers. Others are not asked for: its answer could look like an outage.
    if not 0 < schema_id <= _MAX_SCHEMA_ID:
        raise Refused(PoisonReason.UNKNOWN_SCHEMA, f"{schema_id} cannot be the id of a schema")
    answer = schemas.known.get(schema_id)
    if answer is None:
        return SchemaNeeded(schema_id=schema_id)
    schema, rest = _of_answer(schema_id, answer, value[_ID_END:])
    read = _envelope if schema.name == ENVELOPE else _own
    return read(record, rest, headers, schema, rules)


def _of_answer(schema_id: int, answer: SchemaAnswer, value: bytes) -> tuple[ParsedSchema, bytes]:
    """The record schema that a value was written with, and the value."""
    match answer:
        case UnknownSchema(missing=None):
            raise Refused(PoisonReason.UNKNOWN_SCHEMA, f"the Schema Registry has no schema {schema_id}")
        case UnknownSchema(missing=missing):
            detail = f"schema {schema_id} refers to {missing}, which the Schema Registry does not have"
            raise Refused(PoisonReason.UNKNOWN_SCHEMA, detail)
        case RefusedSchema(reason=reason, detail=detail):
            raise Refused(reason, f"schema {schema_id}: {detail}")
        case ParsedSchema():
            return answer, value
        case ParsedUnion(branches=branches):
            index, rest = read_branch(value)
            branch = branches[index] if 0 <= index < len(branches) else None
            if branch is None:
                detail = "the Avro value is of a branch of its union that is no record: publish one of its records"
                raise Refused(PoisonReason.WRONG_TYPE, detail)
            return branch, rest


def _envelope(record: Record, value: bytes, headers: NamedHeaders, schema: ParsedSchema, rules: EventRules) -> Event:
    """`data` is bytes, so base64 in the JSON that comes out of Avro: hence twice the limit here, and once below."""
    found = members(read_json(schema.reader, value, 2 * rules.max_event_bytes))
    try:
        payload = _BYTES.decode(found["data"]) if "data" in found else None
    except msgspec.ValidationError:
        raise Refused(PoisonReason.WRONG_TYPE, "data must be the bytes of JSON") from None
    return event_of(record, headers, found, b"null" if payload is None else json_text(payload), rules)


def _own(record: Record, value: bytes, headers: NamedHeaders, schema: ParsedSchema, rules: EventRules) -> Event:
    if schema.depth > rules.max_event_depth:
        raise Refused(PoisonReason.TOO_DEEP, f"the schema nests deeper than {rules.max_event_depth} levels: flatten it")
    data = read_json(schema.reader, value, rules.max_event_bytes)
    metadata = _Metadata(headers, data)
    return event(
        record,
        headers,
        id=metadata.text("event-id", rules.avro_id_field),
        type=metadata.text("event-type", rules.avro_type_field),
        tenant=metadata.text("tenant", rules.avro_tenant_field),
        product=metadata.text("product", rules.avro_product_field),
        time_ms=metadata.time_ms("event-time", rules.avro_time_field),
        data=data,
    )


class _Metadata:
    """What a record of the producers' own says about itself. `data` is parsed only if a field is asked for."""

    def __init__(self, headers: NamedHeaders, data: bytes) -> None:
        self._headers = headers
        self._data = data
        self._parsed: Json = None

    def text(self, header: str, path: str | None) -> str | None:
        """A text. Whole numbers count as their digits: that is what ids of tenants often are."""
        found = self._headers.text(header)
        if found is not None or path is None:
            return found
        match self._field(path):
            case None:
                return None
            case str() as value:
                return value
            case int() as value if not isinstance(value, bool):
                return str(value)
            case _:
                raise Refused(PoisonReason.WRONG_TYPE, f"the field {path} must be a string or a whole number")

    def time_ms(self, header: str, path: str | None) -> int | None:
        """A time. A whole number in a field is milliseconds since 1970."""
        found = self._headers.text(header)
        if found is not None:
            return text_ms(header, found)
        match None if path is None else self._field(path):
            case None:
                return None
            case str() as value:
                return text_ms(f"the field {path}", value)
            case int() as value if not isinstance(value, bool):
                return range_checked_ms(f"the field {path}", value)
            case _:
                raise Refused(PoisonReason.WRONG_TYPE, f"the field {path} must be a timestamp")

    def _field(self, path: str) -> Json:
        if self._parsed is None:
            self._parsed = parsed(self._data)
        value = self._parsed
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        return value
