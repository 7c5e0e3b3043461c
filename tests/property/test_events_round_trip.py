"""What a producer wrote is what the event holds, and ids stay apart on the wire."""

import io
import json
import math
import struct
from decimal import Context, Decimal

import fastavro
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.events.decode import decode
from consumer.events.event import Event
from consumer.events.floats import shortest
from consumer.events.limits import depth
from consumer.events.rules import EventRules
from consumer.events.schema import ParsedSchema, Schemas, parse
from consumer.json import Json
from tests.strategies import event_ids, json_values, names, record, written


@given(
    st.fixed_dictionaries(
        {"type": names, "tenant": names}, optional={"id": event_ids, "product": st.none() | names, "data": json_values}
    ),
    st.dictionaries(st.text("xyz", min_size=1), json_values, max_size=2),
    st.sampled_from((None, (",", ":"))),
    st.booleans(),
    st.permutations(range(9)),
)
def test_an_envelope_is_read_as_written(
    metadata: dict[str, Json],
    unknown: dict[str, Json],
    separators: tuple[str, str] | None,
    ascii_only: bool,
    order: list[int],
) -> None:
    members = list((metadata | unknown).items())
    shuffled = dict(members[at] for at in order if at < len(members))
    value = json.dumps(shuffled, ensure_ascii=ascii_only, separators=separators).encode()
    found = decode(record(value), Schemas(), EventRules())
    assert isinstance(found, Event), found
    assert (found.type, found.tenant) == (metadata["type"], metadata["tenant"])
    assert found.id == metadata.get("id", "orders-3-7-1700000000000")
    assert found.product == metadata.get("product")
    data = json.dumps(metadata.get("data"), ensure_ascii=ascii_only, separators=separators).encode()
    assert found.data == data


@given(st.sampled_from(("id", "type", "tenant", "product", "data", "other")), json_values, json_values)
def test_a_member_written_twice_is_always_refused(name: str, first: Json, second: Json) -> None:
    twice = b'{"type":"a","%b":%b,"tenant":"t","%b":%b}' % (
        name.encode(),
        written(first),
        name.encode(),
        written(second),
    )
    assert not isinstance(decode(record(twice), Schemas(), EventRules()), Event)


@given(json_values)
def test_depth_is_what_recursion_counts(value: Json) -> None:
    def counted(inner: Json) -> int:
        if isinstance(inner, dict):
            inner = list(inner.values())
        return 1 + max(map(counted, inner), default=0) if isinstance(inner, list) else 0

    assert depth(written(value), 99) == counted(value)


# Avro: each type with its values, and what JSON shall say of them. fastavro, which wrote them, is the oracle.
_int = st.integers(-(2**31), 2**31 - 1)
_leaf = st.one_of(
    st.tuples(st.just("null"), st.just(st.none())),
    st.tuples(st.just("boolean"), st.just(st.booleans())),
    st.tuples(st.just("int"), st.just(_int)),
    st.tuples(st.just("long"), st.just(st.integers(-(2**63), 2**63 - 1))),
    st.tuples(st.just("double"), st.just(st.floats(allow_nan=False, allow_infinity=False))),
    st.tuples(st.just("float"), st.just(st.floats(allow_nan=False, allow_infinity=False, width=32))),
    st.tuples(st.just("string"), st.just(st.text(st.characters(codec="utf-8")))),
)
_shape = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        inner.filter(lambda pair: pair[0] != "null").map(
            lambda pair: ({"type": "array", "items": pair[0]}, st.lists(pair[1], max_size=3))
        ),
        inner.filter(lambda pair: pair[0] != "null").map(
            lambda pair: (
                {"type": "map", "values": pair[0]},
                st.dictionaries(st.text(st.characters(codec="utf-8")), pair[1], max_size=3),
            )
        ),
        inner.filter(lambda pair: not isinstance(pair[0], list) and pair[0] != "null").map(
            lambda pair: (["null", pair[0]], st.none() | pair[1])
        ),
    ),
    max_leaves=4,
)


@given(st.lists(_shape, min_size=1, max_size=4), st.data())
def test_avro_becomes_the_json_of_what_fastavro_wrote(
    shapes: list[tuple[Json, st.SearchStrategy[Json]]], draw: st.DataObject
) -> None:
    schema: dict[str, Json] = {
        "type": "record",
        "name": "R",
        "fields": [{"name": f"f{at}", "type": kind} for at, (kind, _) in enumerate(shapes)],
    }
    value = {f"f{at}": draw.draw(values) for at, (_, values) in enumerate(shapes)}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    parsed = parse(schema)
    assert isinstance(parsed, ParsedSchema), parsed
    headers = (("event-type", b"a"), ("tenant", b"t"))
    found = decode(record(b"\x00\x00\x00\x00\x01" + out.getvalue(), headers), Schemas(known={1: parsed}), EventRules())
    assert isinstance(found, Event), found
    assert _same(json.loads(found.data), value)


def _same(found: Json, written_value: Json) -> bool:
    if isinstance(found, list) and isinstance(written_value, list):
        return len(found) == len(written_value) and all(map(_same, found, written_value))
    if isinstance(found, dict) and isinstance(written_value, dict):
        return found.keys() == written_value.keys() and all(_same(found[name], written_value[name]) for name in found)
    if isinstance(written_value, float):
        return (
            isinstance(found, float)
            and math.copysign(1, found) == math.copysign(1, written_value)
            and (found == written_value or struct.unpack("<f", struct.pack("<f", found))[0] == written_value)
        )
    return bool(found == written_value)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-149, 127).map(lambda at: 2.0**at))
@example(2.0**87)  # here the shortest text is not the nearest one of its length
@example(-(2.0**-96))
@example(2.0**-149)
def test_a_float_is_written_as_the_shortest_text_that_is_that_float(value: float) -> None:
    def is_it(text: str) -> bool:
        try:
            return bool(struct.unpack("<f", struct.pack("<f", float(text)))[0] == value)
        except OverflowError:
            return False

    found = shortest(value)
    assert is_it(repr(found))
    assert math.copysign(1, found) == math.copysign(1, value)
    digits = len(Decimal(repr(found)).normalize().as_tuple().digits)
    for fewer in range(1, digits):
        near = Decimal(f"{value:.{fewer}g}")
        context = Context(prec=fewer)
        assert not any(map(is_it, map(str, (near, near.next_plus(context), near.next_minus(context)))))
