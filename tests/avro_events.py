"""Avro events as producers write them, for tests of their reading."""

import io
from typing import cast

import fastavro

from consumer.events.avro import event_schema
from consumer.events.decode import decode
from consumer.events.event import Decoded, Event, RecordHeaders
from consumer.events.rules import EventRules
from consumer.events.schema import ParsedSchema, ParsedUnion, RefusedSchema, Schemas, parse
from consumer.json import Json
from consumer.schemas import avro_schema
from tests.strategies import record

NAMED: RecordHeaders = (("event-type", b"order.created"), ("tenant", b"acme"))
REGISTERED = b"\x00\x00\x00\x00\x07"
SINGLE = b"\xc3\x01" + event_schema()[0]
ENDLESS = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"  # 2^63 - 1


def avro(schema: Json, value: object) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(cast("dict[str, Json]", schema)), value)
    return out.getvalue()


def of_field(field: Json) -> Json:
    return {"type": "record", "name": "shop.Order", "fields": [{"name": "f", "type": field}]}


def known(schema: Json) -> ParsedSchema | ParsedUnion:
    parsed = parse(schema)
    assert not isinstance(parsed, RefusedSchema), parsed
    return parsed


def registered(schema: Json, body: bytes, headers: RecordHeaders = NAMED, rules: EventRules | None = None) -> Decoded:
    return decode(record(REGISTERED + body, headers), Schemas(known={7: known(schema)}), rules or EventRules())


def data(found: Decoded) -> bytes:
    assert isinstance(found, Event), found
    return found.data


def envelope(**changed: object) -> bytes:
    whole: dict[str, object] = {
        "id": "e1",
        "type": "a.b",
        "tenant": "acme",
        "product": None,
        "time": None,
        "data": b' {"n": 1.0} ',
    }
    return avro(avro_schema("Event"), whole | changed)
