"""Avro events, in both framings, written by fastavro and refused when hostile."""

import struct
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import fastavro
import msgspec
import pytest

from consumer.events.avro import event_schema
from consumer.events.decode import decode
from consumer.events.event import Event, Poison, RecordHeaders, SchemaNeeded
from consumer.events.reasons import PoisonReason
from consumer.events.rules import EventRules
from consumer.events.schema import RefusedSchema, Schemas, UnknownSchema
from consumer.json import Json
from consumer.schemas import avro_schema
from tests.avro_events import ENDLESS, NAMED, REGISTERED, SINGLE, avro, data, envelope, known, of_field, registered
from tests.strategies import record


def test_the_fingerprint_is_crc_64_avro_little_endian() -> None:
    """Computed here from the Avro specification's own algorithm."""
    table = []
    for byte in range(256):
        entry = byte
        for _ in range(8):
            entry = (entry >> 1) ^ (0xC15D213AA4D7A795 & -(entry & 1))
        table.append(entry)
    value = 0xC15D213AA4D7A795
    for byte in fastavro.schema.to_parsing_canonical_form(avro_schema("Event")).encode():
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    assert event_schema()[0] == value.to_bytes(8, "little")


@pytest.mark.parametrize("prefix", [SINGLE, REGISTERED])
def test_the_envelope_in_both_framings(prefix: bytes) -> None:
    when = datetime(2026, 1, 31, 12, 0, 0, 123_000, tzinfo=UTC)
    value = prefix + envelope(time=when, product="p")
    found = decode(record(value, NAMED), Schemas(known={7: known(avro_schema("Event"))}), EventRules())
    assert isinstance(found, Event), found
    assert (found.id, found.type, found.tenant, found.product) == ("e1", "a.b", "acme", "p")
    assert (found.time_ms, found.data) == (1_769_860_800_123, b'{"n": 1.0}')


def test_an_envelope_of_a_later_version_is_read() -> None:
    later: Json = {
        "type": "record",
        "name": "io.hookline.Event",
        "fields": [
            {"name": "region", "type": "string"},
            {"name": "tenant", "type": "string"},
            {"name": "type", "type": "string"},
            {"name": "data", "type": "bytes"},
        ],
    }
    found = registered(later, avro(later, {"region": "eu", "tenant": "t", "type": "a", "data": b"[]"}))
    assert isinstance(found, Event), found
    assert (found.id, found.tenant, found.data) == ("orders-3-7-1700000000000", "t", b"[]")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("null", None, b"null"),
        ("boolean", True, b"true"),
        ("int", -(2**31), b"-2147483648"),
        ("long", 2**63 - 1, b"9223372036854775807"),
        ("double", 1.5, b"1.5"),
        ("float", 0.5, b"0.5"),
        ("string", 'é"\n', b'"\xc3\xa9\\"\\n"'),
        ("bytes", b"\x00\xff", b'"AP8="'),
        (["null", "string"], "x", b'"x"'),
        (["null", "string"], None, b"null"),
        ({"type": "array", "items": "int"}, [], b"[]"),
        ({"type": "array", "items": "int"}, [1, 2], b"[1,2]"),
        ({"type": "map", "values": "int"}, {"a": 1, "b": 2}, b'{"a":1,"b":2}'),
        ({"type": "map", "values": "int"}, {}, b"{}"),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", b'"B"'),
        ({"type": "fixed", "name": "F", "size": 2}, b"ab", b'"YWI="'),
        ({"type": "record", "name": "R", "fields": []}, {}, b"{}"),
        ({"type": "long", "logicalType": "timestamp-millis"}, -1, b'"1969-12-31T23:59:59.999Z"'),
        ({"type": "long", "logicalType": "timestamp-micros"}, 1, b'"1970-01-01T00:00:00.000001Z"'),
        ({"type": "long", "logicalType": "timestamp-nanos"}, 1, b'"1970-01-01T00:00:00.000000001Z"'),
        ({"type": "long", "logicalType": "local-timestamp-millis"}, 0, b'"1970-01-01T00:00:00.000"'),
        ({"type": "int", "logicalType": "date"}, 20_484, b'"2026-01-31"'),
        ({"type": "int", "logicalType": "time-millis"}, 86_399_999, b'"23:59:59.999"'),
        ({"type": "long", "logicalType": "time-micros"}, 1, b'"00:00:00.000001"'),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, Decimal("-0.05"), b'"-0.05"'),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 0}, Decimal(120), b'"120"'),
        ({"type": "string", "logicalType": "uuid"}, UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
        ({"type": "string", "logicalType": "unheard-of"}, "x", b'"x"'),
    ],
)
def test_a_record_of_the_producers_own(field: Json, value: object, expected: bytes) -> None:
    schema = of_field(field)
    assert data(registered(schema, avro(schema, {"f": value}))) == b'{"f":' + expected + b"}"


def test_fixed_logical_types() -> None:
    def of(size: int, **logical: str | int) -> Json:
        return of_field({"type": "fixed", "name": "F", "size": size, **logical})

    assert data(registered(of(16, logicalType="uuid"), UUID(int=2).bytes)) == b'{"f":"%s"}' % str(UUID(int=2)).encode()
    duration = struct.pack("<III", 1, 2, 3_004)
    assert data(registered(of(12, logicalType="duration"), duration)) == b'{"f":"P1M2DT3.004S"}'
    amount = (-12345).to_bytes(4, "big", signed=True)
    assert data(registered(of(4, logicalType="decimal", precision=9, scale=3), amount)) == b'{"f":"-12.345"}'


def test_blocks_that_name_their_size() -> None:
    schema = of_field({"type": "array", "items": "int"})
    assert data(registered(schema, b"\x03\x04\x02\x04\x02\x06\x00")) == b'{"f":[1,2,3]}'


ORDER: Json = {
    "type": "record",
    "name": "shop.Order",
    "fields": [
        {"name": "kind", "type": "string"},
        {"name": "meta", "type": {"type": "record", "name": "M", "fields": [{"name": "account", "type": "long"}]}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "made", "type": "long"},
    ],
}
ORDER_RULES = EventRules(
    avro_type_field="kind", avro_tenant_field="meta.account", avro_time_field="at", avro_id_field="made"
)


def test_metadata_from_fields_and_headers_before_them() -> None:
    body = avro(ORDER, {"kind": "k", "meta": {"account": 9}, "at": 1_000, "made": 5})
    found = registered(ORDER, body, (), ORDER_RULES)
    assert isinstance(found, Event), found
    assert (found.type, found.tenant, found.time_ms, found.id, found.product) == ("k", "9", 1_000, "5", None)
    said = (*NAMED, ("event-id", b"i"), ("event-time", b"1970-01-01T00:00:02Z"), ("product", b"p"))
    found = registered(ORDER, body, said, ORDER_RULES)
    assert isinstance(found, Event), found
    assert (found.type, found.tenant, found.time_ms, found.id, found.product) == (
        "order.created",
        "acme",
        2_000,
        "i",
        "p",
    )
    in_ms = registered(ORDER, body, NAMED, EventRules(avro_time_field="made"))
    assert isinstance(in_ms, Event), in_ms
    assert in_ms.time_ms == 5


@pytest.mark.parametrize(
    ("rules", "headers", "reason", "named"),
    [
        (EventRules(), (), "missing_field", "type"),
        (EventRules(avro_type_field="kind"), (), "missing_field", "tenant"),
        (EventRules(avro_tenant_field="meta.nothing"), NAMED[:1], "missing_field", "tenant"),
        (EventRules(avro_tenant_field="kind.deeper"), NAMED[:1], "missing_field", "tenant"),
        (EventRules(avro_tenant_field="meta"), NAMED[:1], "wrong_type", "meta"),
        (EventRules(avro_time_field="kind"), NAMED, "wrong_type", "kind"),
        (EventRules(avro_time_field="meta"), NAMED, "wrong_type", "meta"),
        (EventRules(), (NAMED[0], ("tenant", b"\xff")), "wrong_type", "tenant"),
        (EventRules(), (*NAMED, ("event-time", b"1000")), "wrong_type", "event-time"),
        (EventRules(max_event_depth=1), NAMED, "too_deep", "schema"),
    ],
)
def test_metadata_that_is_refused(rules: EventRules, headers: RecordHeaders, reason: str, named: str) -> None:
    body = avro(ORDER, {"kind": "k", "meta": {"account": 9}, "at": 1_000, "made": 5})
    found = registered(ORDER, body, headers, rules)
    assert isinstance(found, Poison), found
    assert found.reason == reason
    assert named in found.detail


@pytest.mark.parametrize(
    ("field", "body", "reason"),
    [
        ("string", b"\x0aab", "undecodable"),
        ("string", b"", "undecodable"),
        ("string", b"\x01", "undecodable"),
        ("string", ENDLESS, "undecodable"),
        ("string", b"\x02\xff", "undecodable"),
        ("string", b"\x02ab", "undecodable"),
        ("bytes", b"\x04a", "undecodable"),
        ("long", b"\xff" * 10, "undecodable"),
        ("long", b"\xff" * 9 + b"\x7f", "undecodable"),
        ("long", b"\xff\xff", "undecodable"),
        ("boolean", b"\x02", "undecodable"),
        ("double", b"\x00" * 7, "undecodable"),
        ("double", struct.pack("<d", float("nan")), "wrong_type"),
        ("float", struct.pack("<f", float("-inf")), "wrong_type"),
        (["null", "int"], b"\x04", "undecodable"),
        (["null", "int"], b"\x01", "undecodable"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\x02", "undecodable"),
        ({"type": "fixed", "name": "F", "size": 4}, b"abc", "undecodable"),
        ({"type": "array", "items": "int"}, ENDLESS, "undecodable"),
        ({"type": "array", "items": "int"}, b"\x03", "undecodable"),
        ({"type": "map", "values": "int"}, b"\x04\x02a\x02\x02a\x02\x00", "duplicate_field"),
        ({"type": "map", "values": "int"}, ENDLESS, "undecodable"),
        ({"type": "long", "logicalType": "timestamp-millis"}, ENDLESS, "wrong_type"),
        ({"type": "int", "logicalType": "time-millis"}, b"\x01", "wrong_type"),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
            b"\x84\x08" + b"x" * 514,
            "too_large",
        ),
    ],
)
def test_hostile_values(field: Json, body: bytes, reason: str) -> None:
    found = registered(of_field(field), body)
    assert isinstance(found, Poison), found
    assert found.reason == reason, found


def test_a_negative_length_does_not_lead_back() -> None:
    fields: list[Json] = [{"name": "s", "type": "string"}, {"name": "n", "type": "long"}]
    found = registered({"type": "record", "name": "R", "fields": fields}, b"\x01")
    assert isinstance(found, Poison), found
    assert found.reason == "undecodable"


def test_an_envelope_may_be_as_large_as_any_event() -> None:
    value = SINGLE + envelope(data=b'"%s"' % (b"x" * 1_000))
    assert isinstance(decode(record(value), Schemas(), EventRules(max_event_bytes=len(value))), Event)


def test_few_bytes_cannot_become_much_text() -> None:
    fields: list[Json] = [{"name": f"n{i}", "type": "null"} for i in range(1_000)]
    fields.append({"name": "b", "type": "boolean"})
    schema = of_field({"type": "array", "items": {"type": "record", "name": "W", "fields": fields}})
    found = registered(schema, b"\x80\x89\x7a" + b"\x01" * 1_000_000, rules=EventRules(max_event_bytes=1_048_576))
    assert isinstance(found, Poison)
    assert found.reason == "too_large"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, b"0.1"), (16_777_216.0, b"16777216.0"), (3.4028234663852886e38, b"3.4028235e+38"), (-0.0, b"-0.0")],
)
def test_a_float_has_the_digits_of_a_float(value: float, text: bytes) -> None:
    assert data(registered(of_field("float"), struct.pack("<f", value))) == b'{"f":%b}' % text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\x00", "undecodable"),
        (b"\x00\x00\x00\x07", "undecodable"),
        (b"\x00\x00\x00\x00\x00rest", "unknown_schema"),
        (b"\x00\xff\xff\xff\xffrest", "unknown_schema"),
        (b"\x00\x00\x00\x00\x08rest", "unknown_schema"),
        (b"\x00\x00\x00\x00\x09rest", "unsupported_schema"),
        (b"\xc3\x01", "unknown_schema"),
        (b"\xc3\x01" + bytes(8) + envelope(), "unknown_schema"),
        (SINGLE, "undecodable"),
        (SINGLE + envelope()[:-1], "undecodable"),
        (SINGLE + envelope() + b"\x00", "undecodable"),
        (SINGLE + envelope(data=b"{"), "undecodable"),
        (SINGLE + envelope(data=b"\xff"), "undecodable"),
        (SINGLE + envelope(data=b"[" * 65 + b"]" * 65), "too_deep"),
        (SINGLE + envelope(tenant=""), "wrong_type"),
        (SINGLE + envelope(type="a\n"), "wrong_type"),
        (SINGLE + envelope(id="x" * 201), "wrong_type"),
    ],
)
def test_framing_and_envelope_that_are_refused(value: bytes, reason: str) -> None:
    protobuf = RefusedSchema(reason=PoisonReason.UNSUPPORTED_SCHEMA, detail="unsupported schema type")
    found = decode(record(value), Schemas(known={8: UnknownSchema(), 9: protobuf}), EventRules())
    assert isinstance(found, Poison), found
    assert found.reason == reason


def test_a_schema_not_yet_asked_for_waits_if_there_is_a_registry() -> None:
    value = record(b"\x00\x00\x00\x01\x00rest")
    assert decode(value, Schemas(), EventRules()) == SchemaNeeded(schema_id=256)
    found = decode(value, Schemas(), EventRules(registry=False))
    assert isinstance(found, Poison)
    assert (found.reason, "HOOKLINE_SCHEMA_REGISTRY_URL" in found.detail) == ("unknown_schema", True)


def test_data_is_json_that_another_parser_reads() -> None:
    schema = of_field({"type": "map", "values": ["null", "double", {"type": "array", "items": "string"}]})
    value = {"f": {'"\\\u2028': ["\x00", "😀"], "d": 1e-7, "n": None}}
    assert msgspec.json.decode(data(registered(schema, avro(schema, value)))) == value
