"""The native step reads every record of ours as fastavro does, or refuses it."""

import io
from collections.abc import Mapping
from typing import Any, cast

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer import rows
from consumer.schemas import avro_histories
from consumer.wire import HEAD_BYTES, RecordCorrupt, WireFormat

pytest.importorskip("hookline_native", reason="make native builds it, with cargo")

# Of events only our producers' example is kept, and no record of ours is one. What is sealed is taken apart by hand.
OTHERS = {"Event", "Sealed"}
OURS = [cast("dict[str, Any]", history[0]) for history in avro_histories() if history[0]["name"] not in OTHERS]

PLAIN: Mapping[str, st.SearchStrategy[Any]] = {
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    "bytes": st.binary(max_size=80),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
}


def values(type_: Any, named: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:  # noqa: ANN401 # parsed JSON
    match type_:
        case str():
            return {**PLAIN, **named}[type_]
        case ["null", one]:
            return st.none() | values(one, named)
        case {"type": "array", "items": items}:
            return st.lists(values(items, named), max_size=3)
        case {"type": "map", "values": each}:
            return st.dictionaries(PLAIN["string"], values(each, named), max_size=3)
    made = st.fixed_dictionaries({each["name"]: values(each["type"], named) for each in type_["fields"]})
    named[type_["name"]] = made
    return made


def by_fastavro(schema: dict[str, Any], value: bytes) -> tuple[object, int]:
    body = io.BytesIO(value)
    body.seek(HEAD_BYTES)
    return fastavro.schemaless_reader(body, schema, None), body.tell()


@pytest.mark.parametrize("schema", OURS, ids=lambda schema: schema["name"])
@settings(max_examples=25)
@given(data=st.data())
def test_a_record_that_is_whole_cut_or_changed_is_the_row_that_fastavro_reads_or_none(
    schema: dict[str, Any], data: st.DataObject
) -> None:
    read = rows.reading(schema)
    assert read is not None
    row = data.draw(values(schema, {}))
    value = WireFormat([schema]).encode(row)
    assert read(value, HEAD_BYTES) == (row, len(value))
    at, byte = data.draw(st.integers(HEAD_BYTES, len(value) - 1)), data.draw(st.integers(0, 255))
    for odd in (value[:at], value[:at] + bytes((byte,)) + value[at + 1 :], value[:10] + data.draw(st.binary())):
        try:
            found = read(odd, HEAD_BYTES)
        except ValueError:
            continue
        assert repr(found) == repr(by_fastavro(schema, odd))  # as text: a changed float may be no number


def test_a_record_is_read_whole_or_refused() -> None:
    schema: dict[str, Any] = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}
    wire = WireFormat([schema])
    value = wire.encode({"a": "b"})
    assert wire.decode(value) == {"a": "b"}
    for wrong, said in ((value[:-1], "malformed: it is cut"), (value + b"\0", "1 bytes follow the record")):
        with pytest.raises(RecordCorrupt, match=said):
            wire.decode(wrong)


@pytest.mark.parametrize(
    "type_", ["float", ["null", "string", "long"], {"type": "enum", "name": "E", "symbols": ["a"]}]
)
def test_a_schema_of_which_something_is_not_read_here_is_left_to_fastavro(type_: object) -> None:
    schema: dict[str, Any] = {"type": "record", "name": "R", "fields": [{"name": "a", "type": type_}]}
    assert rows.reading(schema) is None
    assert rows.reading({"type": "int"}) is None
    assert WireFormat([schema]).decode(WireFormat([schema]).encode({"a": "a" if type_ != "float" else 1.5}))
