"""An envelope that the native step reads is the one that Python reads, and a usual one it does read."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.events.decode import decode
from consumer.events.event import Event
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas
from consumer.json import Json
from tests.strategies import json_values, record

native = pytest.importorskip("hookline_native", reason="make native builds it, with cargo")

PYTHON = EventRules(max_event_depth=3)
NATIVE = replace(PYTHON, usual=native.read_envelope)
TIMES = ("2026-01-31T12:00:00Z", "2026-02-29T00:00:00.1239Z", "2000-02-29T23:59:59.5Z", "2026-01-31T12:00:00+01:00")
PIECES = ('"', "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "1", "-0", "1e9", "01", "1.5", "true", "null", "\\u00e9",
          "\\ud800", "\\n", "a", "é", "\x00", "\x7f", '"data"', '"type"', '"id"', '"specversion"')  # fmt: skip

names = st.text('abc.*é \\"\x7f', max_size=6) | st.just("x" * 201)
members = st.fixed_dictionaries(
    {"type": names | st.just("order.created"), "tenant": names | st.just("acme"), "data": json_values},
    optional={"id": names | st.none(), "product": names, "time": st.sampled_from(TIMES) | names, "more": json_values},
)


@st.composite
def values(draw: st.DrawFn) -> bytes:
    """An envelope, laid out somehow, and a place of it changed, mostly to something that is none."""
    found = draw(members)
    order = draw(st.permutations(list(found)))
    told = json.dumps(
        {name: found[name] for name in order}, ensure_ascii=draw(st.booleans()), indent=draw(st.none() | st.just(1))
    )
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(told)))
        told = told[:at] + draw(st.sampled_from(PIECES)) + told[at + draw(st.integers(0, 3)) :]
    return told.encode("utf-8", "surrogatepass")


@given(values() | st.lists(st.sampled_from(PIECES), max_size=30).map(lambda pieces: "".join(pieces).encode()))
@example(b'{"type":"a","tenant":"t","data":{"a":1,"a":2}}')
@example(b'{"type":"a","tenant":"t","data":1}\n')
@example(b'{"type":"a","tenant":"t","data": [ 1 , {"b":"\\\\"}] }')
@example(b'{"type":"a","tenant":"t","data":123456789012345678901234567890.5}')
@example(b'{"type":"a","tenant":"t","time":"9999-12-31T23:59:59.9999Z","data":1}')
def test_whoever_reads_it_a_record_is_the_same(value: bytes) -> None:
    assert decode(record(value), Schemas(), NATIVE) == decode(record(value), Schemas(), PYTHON)


@given(
    st.text("abc.XYZ 09", min_size=1, max_size=200),
    st.none() | st.text("abc_-~", min_size=1, max_size=200),
    json_values.filter(lambda data: data is not None),
    st.none() | st.sampled_from(TIMES[::2]),
)
def test_a_usual_envelope_is_read_natively(name: str, event_id: str | None, data: Json, time: str | None) -> None:
    told = {"id": event_id, "type": name, "tenant": name, "time": time, "data": data}
    value = json.dumps({key: each for key, each in told.items() if each is not None}, separators=(",", ":")).encode()
    unusual = re.search(rb"[0-9]e[+-]?[0-9]|\\ud[89a-f]", value.lower())
    read = native.read_envelope(value, 64)
    assert read is not None or unusual is not None
    event = decode(record(value), Schemas(), EventRules())
    assert isinstance(event, Event)
    if read is not None:
        assert read[1:4] == (event.type, event.tenant, event.product)
        assert read[5] == event.data


def test_data_that_nests_too_deep_is_left_to_python() -> None:
    value = b'{"type":"a","tenant":"t","data":[[[1]]]}'
    assert native.read_envelope(value, 3) == (None, "a", "t", None, None, b"[[[1]]]")
    assert native.read_envelope(value, 2) is None
