"""JSON laid out: only the white space changes."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.portal.bodies import body_of
from consumer.portal.json_layout import DEPTH_MOST, LENGTH_MOST, laid_out
from consumer.portal.told import Response

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def bare(text: str) -> str:
    """Without white space between tokens."""
    parts = STRING.split(text)
    strings = STRING.findall(text)
    return "".join("".join(part.split()) + string for part, string in zip(parts, [*strings, ""], strict=True))


@given(VALUES, st.booleans(), st.sampled_from([None, 1, 3]))
def test_only_white_space_changes(value: object, ascii_: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_, indent=indent)
    made = laid_out(text)
    assert made is not None
    assert bare(made) == bare(text)
    assert laid_out(made) == made


def test_numbers_order_and_repetitions_stay() -> None:
    assert laid_out('{"b":1e309,"a":12345678901234567890.10,"b":[],"c":{},"d":[1,{"e":"a\\u0000:,[]"}]}') == (
        '{\n  "b": 1e309,\n  "a": 12345678901234567890.10,\n  "b": [],\n  "c": {},\n  "d": [\n    1,\n    {\n'
        '      "e": "a\\u0000:,[]"\n    }\n  ]\n}'
    )


@pytest.mark.parametrize(
    "text",
    ["", "{", "nonsense", "Infinity", "NaN", "{'a': 1}", "[" * 200 + "]" * 200, '"' + "a" * LENGTH_MOST + '"', "<p>"],
)
def test_what_is_no_json_or_too_much_stays_as_it_is(text: str) -> None:
    assert laid_out(text) is None


def test_as_deep_as_allowed() -> None:
    assert laid_out("[" * DEPTH_MOST + "]" * DEPTH_MOST) is not None
    assert laid_out("[" * (DEPTH_MOST + 1) + "]" * (DEPTH_MOST + 1)) is None


def test_bytes_that_are_no_text_show_in_hex() -> None:
    told = Response(
        status=200,
        headers=[],
        truncated=False,
        body="AAFBQkP/",
        body_encoding="base64",
        body_bytes=6,
        body_kept="whole",
        cut=False,
    )
    body = body_of(told, raw=False, page_url="", download_url=None)
    assert body.binary
    assert not body.formattable
    assert body.text == "000000  00 01 41 42 43 ff                                ..ABC."
