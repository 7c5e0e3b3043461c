"""What others wrote cannot command a terminal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.telemetry.printable import printable, printable_lines

ANY = st.text(st.characters(categories=None), max_size=40) | st.text(
    st.sampled_from("\x00\x07\x08\x1b\x7f\x85\x9b\u061c\u200b\u200f\u2028\u202e\u2066\ud800\ufeff\U000e0041\n\r\t a\\"),
    max_size=20,
)


@given(ANY)
def test_nothing_invisible_is_left(text: str) -> None:
    assert printable(text).isprintable()
    assert all(line.isprintable() for line in printable_lines(text).split("\n"))


@given(ANY)
def test_json_is_still_json_of_the_same_value(text: str) -> None:
    assert json.loads(printable(json.dumps(text, ensure_ascii=False))) == text


@given(ANY)
def test_what_can_be_seen_is_left_as_it_is(text: str) -> None:
    seen = "".join(filter(str.isprintable, text))
    assert printable(seen) == seen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("München 東京", "München 東京"),
        ("\x1b[2J", "\\u001b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("\U000e0041", "\\udb40\\udc41"),
        ("one\ntwo\t", "one\\ntwo\\t"),
    ],
)
def test_escapes_are_those_of_json(text: str, shown: str) -> None:
    assert printable(text) == shown
