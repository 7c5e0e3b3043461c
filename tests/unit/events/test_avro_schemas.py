"""Schemas of the producers' own: which are refused, and what an odd one means."""

from collections.abc import Callable

import pytest

from consumer.events.decode import decode
from consumer.events.event import Event, Poison
from consumer.events.rules import EventRules
from consumer.events.schema import ParsedSchema, RefusedSchema, Schemas, parse
from consumer.json import Json
from consumer.schemas import avro_schema
from tests.avro_events import NAMED, REGISTERED, data, envelope, of_field, registered
from tests.strategies import record


def test_a_schema_that_unfolds_costs_what_it_is_long() -> None:
    inner: Json = "null"
    for level in range(40):
        fields: list[Json] = [
            {"name": "a", "type": inner},
            {"name": "b", "type": inner if level == 0 else f"L{level - 1}"},
        ]
        inner = {"type": "record", "name": f"L{level}", "fields": fields}
    found = registered(inner, b"")
    assert isinstance(found, Poison)
    assert found.reason == "too_large"


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (of_field({"type": "array", "items": "null"}), "exploding_schema"),
        (of_field({"type": "map", "values": "null"}), "exploding_schema"),
        (of_field({"type": "array", "items": {"type": "fixed", "name": "Z", "size": 0}}), "exploding_schema"),
        (of_field({"type": "array", "items": {"type": "record", "name": "Z", "fields": []}}), "exploding_schema"),
        (of_field(["null", "shop.Order"]), "exploding_schema"),
        (of_field({"type": "array", "items": "shop.Order"}), "exploding_schema"),
        (of_field({"type": "bytes", "logicalType": "decimal", "precision": 5000, "scale": 5000}), "exploding_schema"),
        ("string", "unsupported_schema"),
        ({"type": "array", "items": "int"}, "unsupported_schema"),
        ([], "unsupported_schema"),
        (None, "unsupported_schema"),
        ({}, "unsupported_schema"),
        (of_field("no.such.Type"), "unsupported_schema"),
        (of_field([]), "unsupported_schema"),
        ({"type": "record", "name": "X", "fields": [{"name": "f"}]}, "unsupported_schema"),
        ({"__fastavro_parsed__": True, "__named_schemas__": {}, "type": "record"}, "unsupported_schema"),
        (["null", "int"], "unsupported_schema"),
        (of_field({"type": "fixed", "name": "F", "size": -1}), "unsupported_schema"),
        (of_field({"type": "enum", "name": "E"}), "unsupported_schema"),
        (of_field({"type": "enum", "name": "E", "symbols": ["\ud800"]}), "unsupported_schema"),
        (of_field({"type": "record", "name": "shop.Order", "fields": []}), "unsupported_schema"),
        ({"type": "record", "name": "X", "fields": [{"name": "f", "type": "int"}] * 2}, "unsupported_schema"),
    ],
)
def test_schemas_that_are_refused(schema: Json, reason: str) -> None:
    found = parse(schema)
    assert isinstance(found, RefusedSchema), found
    assert found.reason == reason


def test_a_schema_nested_without_end_is_refused() -> None:
    schema: Json = "int"
    for _ in range(5_000):
        schema = {"type": "array", "items": schema}
    found = parse(of_field(schema))
    assert isinstance(found, RefusedSchema)
    assert found.reason == "exploding_schema"


@pytest.mark.parametrize("default", [None, 5, "x", [], {}, {"a": 1}])
@pytest.mark.parametrize("kind", ["int", "string", ["null", "int"], {"type": "array", "items": "int"}])
def test_a_default_that_does_not_fit_its_type_is_of_no_matter_to_reading(kind: Json, default: Json) -> None:
    field: dict[str, Json] = {"name": "f", "type": kind, "default": default, "aliases": 7, "order": "odd", "doc": 1}
    assert isinstance(parse({"type": "record", "name": "X", "fields": [field], "aliases": "y"}), ParsedSchema)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"precision": 0},
        {"precision": -1},
        {"precision": "9"},
        {"precision": 2.5},
        {"precision": True},
        {"precision": 2, "scale": 3},
        {"precision": 2, "scale": -1},
        {"precision": 2, "scale": "1"},
        {"precision": 2, "scale": None},
    ],
)
def test_a_decimal_with_impossible_parameters_is_plain_bytes(parameters: dict[str, Json]) -> None:
    plain: Json = {"type": "bytes", "logicalType": "decimal", **parameters}
    assert data(registered(of_field(plain), b"\x04\x00\xff")) == b'{"f":"AP8="}'
    fixed: Json = {"type": "fixed", "name": "F", "size": 2, "logicalType": "decimal", **parameters}
    assert data(registered(of_field(fixed), b"\x00\xff")) == b'{"f":"AP8="}'


def test_a_decimal_that_its_fixed_cannot_hold_is_plain_bytes() -> None:
    def fixed(precision: int) -> bytes:
        kind: Json = {"type": "fixed", "name": "F", "size": 2, "logicalType": "decimal", "precision": precision}
        return data(registered(of_field(kind), b"\x00\xff"))

    assert (fixed(4), fixed(5)) == (b'{"f":"255"}', b'{"f":"AP8="}')


def test_a_decimal_of_a_size_beyond_any_float_breaks_nothing() -> None:
    kind: Json = {"type": "fixed", "name": "F", "size": 10**400, "logicalType": "decimal", "precision": 1}
    assert isinstance(parse(of_field(kind)), ParsedSchema)


@pytest.mark.parametrize("odd", [7, None, [], {"a": 1}, "date"])
def test_a_logical_type_that_is_none_of_its_type_is_ignored(odd: Json) -> None:
    assert data(registered(of_field({"type": "long", "logicalType": odd}), b"\x02")) == b'{"f":1}'


A: Json = {"type": "record", "name": "shop.A", "fields": [{"name": "a", "type": "int"}]}
B: Json = {"type": "record", "name": "shop.B", "fields": [{"name": "b", "type": "shop.A"}]}


@pytest.mark.parametrize("wrapped", [lambda union: union, lambda union: {"type": union}])
def test_a_union_at_the_top_is_its_branch(wrapped: Callable[[Json], Json]) -> None:
    union: Json = wrapped(["null", A, B, dict(avro_schema("Event"))])
    assert data(registered(union, b"\x02\x0a")) == b'{"a":5}'
    assert data(registered(union, b"\x04\x0a")) == b'{"b":{"a":5}}'
    found = registered(union, b"\x06" + envelope())
    assert isinstance(found, Event), found
    assert (found.id, found.tenant) == ("e1", "acme")


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"\x00", "wrong_type"), (b"\x08", "wrong_type"), (b"\x01", "wrong_type"), (b"", "undecodable")],
)
def test_a_branch_that_is_no_record_is_no_event(body: bytes, reason: str) -> None:
    found = registered(["null", A], body)
    assert isinstance(found, Poison), found
    assert found.reason == reason


def test_a_union_of_references_as_registries_keep_several_types_for_a_topic() -> None:
    parsed = parse(["shop.A", "shop.B"], (A, B))
    found = decode(record(REGISTERED + b"\x02\x0a", NAMED), Schemas(known={7: parsed}), EventRules())
    assert data(found) == b'{"b":{"a":5}}'


def test_names_are_found_in_their_namespace_then_without_one() -> None:
    inner: Json = {"type": "enum", "name": "E", "symbols": ["X"], "namespace": "a.b"}
    bare: Json = {"type": "fixed", "name": "F", "namespace": "", "size": 1}
    kinds: list[Json] = [
        inner,
        bare,
        "a.b.E",
        "F",
        {"type": "a.b.E"},
        {"type": "record", "name": "a.b.R", "fields": []},
    ]
    fields: list[Json] = [{"name": f"f{number}", "type": kind} for number, kind in enumerate(kinds)]
    found = registered({"type": "record", "name": "T", "namespace": "a", "fields": fields}, b"\x00z\x00z\x00")
    assert data(found) == b'{"f0":"X","f1":"eg==","f2":"X","f3":"eg==","f4":"X","f5":{}}'


def test_references() -> None:
    address: Json = {"type": "record", "name": "shop.Address", "fields": [{"name": "city", "type": "string"}]}
    parsed = parse(of_field("shop.Address"), (address,))
    assert isinstance(parsed, ParsedSchema), parsed
    found = decode(record(REGISTERED + b"\x04\xc3\xa9", NAMED), Schemas(known={7: parsed}), EventRules())
    assert data(found) == '{"f":{"city":"é"}}'.encode()
