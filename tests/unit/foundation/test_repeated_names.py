"""Names that are written twice in JSON are found wherever they are."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.repeated_names import repeated_names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}", []),
        ('{"a":1,"b":{"a":2}}', []),
        ('{"a":1,"a":1}', [("a",)]),
        ('{"a":1,"\\u0061":2,"a":3}', [("a",)]),
        ('[{"x":{"y":1,"y":2}},{"z":[1,{"q":0,"q":0}]}]', [(0, "x", "y"), (1, "z", 1, "q")]),
        ('{"a":{"b":1,"b":2},"a":{"c":1,"c":2}}', [("a",), ("a", "b"), ("a", "c")]),
        ('{"n":' + "9" * 5_000 + ',"n":1e999}', [("n",)]),
    ],
)
def test_names_that_are_written_twice_are_found(text: str, found: list[tuple[str | int, ...]]) -> None:
    assert repeated_names(text) == found


@given(st.recursive(st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_what_a_writer_of_json_writes_names_nothing_twice(value: object) -> None:
    assert repeated_names(json.dumps(value)) == []


def test_an_object_of_a_thousand_names_twice_is_read_once() -> None:
    text = "{" + ",".join(f'"n{number % 500}":0' for number in range(1_000)) + "}"
    assert repeated_names(text) == [(f"n{number}",) for number in range(20)]


def test_a_deep_body_costs_what_it_is_long() -> None:
    deep = "[" * 900 + ",".join(['{"a":0,"a":0}'] * 15_000) + "]" * 900
    tracemalloc.start()
    try:
        assert len(repeated_names(deep)) == 20
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
