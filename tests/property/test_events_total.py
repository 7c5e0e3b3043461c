"""Decoding is total: any bytes under any headers become one of the four, without raising and within the limits."""

import io

import fastavro
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.events.avro import event_schema
from consumer.events.decode import decode
from consumer.events.event import Event, Poison, Record, RecordHeaders, SchemaNeeded, Tombstone
from consumer.events.reasons import PoisonReason
from consumer.events.rules import EventRules
from consumer.events.schema import ParsedSchema, RefusedSchema, Schemas, parse
from consumer.json import Json
from consumer.schemas import avro_schema
from tests.strategies import headers, json_values, record, records, written

EVERYTHING: Json = {
    "type": "record",
    "name": "E",
    "fields": [
        {"name": "s", "type": "string"},
        {"name": "u", "type": ["null", "double", {"type": "map", "values": "long"}]},
        {"name": "e", "type": {"type": "enum", "name": "K", "symbols": ["A", "B"]}},
        {"name": "t", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3}},
        {"name": "a", "type": {"type": "array", "items": {"type": "fixed", "name": "F", "size": 3}}},
    ],
}
RULES = EventRules(
    max_event_bytes=1_024, max_event_depth=4, avro_type_field="s", avro_tenant_field="e", avro_time_field="t"
)


def compiled() -> ParsedSchema:
    parsed = parse(EVERYTHING)
    assert isinstance(parsed, ParsedSchema)
    return parsed


SCHEMAS = Schemas(known={1: compiled(), 2: event_schema()[1]})
FRAMES = (b"", b"\x00", b"\x00\x00\x00\x00\x01", b"\x00\x00\x00\x00\x02", b"\xc3\x01" + event_schema()[0], b"{", b"[")


def check(whole: Record) -> None:
    match decode(whole, SCHEMAS, RULES):
        case Event() as event:
            assert len(event.data) <= RULES.max_event_bytes
            assert event.type.isprintable()
            assert event.tenant.isprintable()
            assert 0 < len(event.id.encode()) <= 200
        case Poison(reason=reason, detail=detail):
            assert reason in set(PoisonReason)
            assert detail
        case Tombstone():
            assert whole.value is None
        case SchemaNeeded(schema_id=schema_id):
            assert schema_id not in SCHEMAS.known


@given(records)
def test_any_record(whole: Record) -> None:
    check(whole)


@given(st.sampled_from(FRAMES), st.binary(max_size=120), headers)
@example(b"", b"[" * 3_000, ())
@example(b"", b"\xef\xbb\xbf{}", ())
def test_any_bytes_behind_any_frame(frame: bytes, rest: bytes, some: RecordHeaders) -> None:
    check(record(frame + rest, some))


VALID = written({"type": "a", "tenant": "t", "time": "2026-01-01T00:00:00Z", "data": {"k": ["v", 1.5, None, "é"]}})


def _single() -> bytes:
    out = io.BytesIO()
    event = {"id": "e", "type": "a", "tenant": "t", "product": None, "time": None, "data": b'{"k":[1]}'}
    fastavro.schemaless_writer(out, fastavro.parse_schema(dict(avro_schema("Event"))), event)
    return b"\xc3\x01" + event_schema()[0] + out.getvalue()


@given(
    st.sampled_from((VALID, _single())),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=3),
    st.integers(0, 5),
)
def test_a_good_record_with_bytes_changed_or_cut(value: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    changed = bytearray(value)
    for at, byte in changes:
        changed[at % len(changed)] = byte
    check(record(bytes(changed[: len(changed) - cut])))


_types = st.recursive(
    st.sampled_from(("null", "int", "string", "bytes", "E", "no.such", "record", "array")) | json_values,
    lambda inner: (
        st.fixed_dictionaries(
            {"type": st.sampled_from(("record", "array", "map", "fixed", "enum", "bytes", "int", "long"))},
            optional={
                "name": st.sampled_from(("E", "F", "a.G", "")),
                "items": inner,
                "values": inner,
                "size": st.integers(-1, 20) | st.booleans(),
                "symbols": st.lists(st.sampled_from(("A", "B", "", "\ud800")) | json_values, max_size=2),
                "logicalType": st.sampled_from(("date", "decimal", "uuid", "timestamp-millis", "duration"))
                | json_values,
                "precision": json_values,
                "scale": json_values,
                "fields": st.lists(
                    st.fixed_dictionaries({"name": st.sampled_from(("a", "b", "\udfff")), "type": inner}), max_size=2
                ),
            },
        )
        | st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)


@given(_types, st.binary(max_size=40))
def test_any_schema_is_compiled_or_refused(schema: Json, rest: bytes) -> None:
    found = parse(schema)
    if isinstance(found, RefusedSchema):
        assert found.detail
    else:
        schemas = Schemas(known={1: found})
        decode(record(b"\x00\x00\x00\x00\x01" + rest), schemas, RULES)
