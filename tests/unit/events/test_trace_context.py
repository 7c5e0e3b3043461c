"""What a producer's trace headers become: bounded, of visible characters, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.events.headers import NamedHeaders
from consumer.events.trace_context import trace_context

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def of(state: bytes | None, *more: tuple[str, bytes]) -> str | None:
    parent, found = trace_context(NamedHeaders((("traceparent", PARENT), ("tracestate", state), *more)))
    assert parent == PARENT.decode()  # whatever the tracestate is
    return found


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (b"congo=t61rcWkgMzE", "congo=t61rcWkgMzE"),
        (b"rojo=00f067aa0ba902b7,congo=t61", "rojo=00f067aa0ba902b7,congo=t61"),
        (b" a=1 ,\t,b@c=2,", "a=1,b@c=2"),
        (b"0t@dd=s:1;o:x y", "0t@dd=s:1;o:x y"),
        (b"a=" + b"v" * 256, "a=" + "v" * 256),
        (b"k" * 256 + b"=1", "k" * 256 + "=1"),
        (None, None),
        (b"", None),
        (b" , ,", None),
        (b"a=1,a=2", None),
        (b"a=1,b", None),
        (b"a=", None),
        (b"A=1", None),
        (b"0t=1", None),
        (b"a=1=2", None),
        (b"a=\xc3\xa9", None),
        (b"a=1\r\nX-Injected: 1", None),
        (b"a=1\n", None),
        (b"a=1\x00", None),
        (b"a=" + b"v" * 257, None),
        (b"k" * 257 + b"=1", None),
        (b",".join(b"k%d=1" % number for number in range(32)), ",".join(f"k{number}=1" for number in range(32))),
        (b",".join(b"k%d=1" % number for number in range(33)), None),
        (b",".join(b"k%d=%s" % (number, b"v" * 60) for number in range(9)), None),
    ],
)
def test_a_tracestate_goes_on_when_it_is_valid_and_only_then(state: bytes | None, expected: str | None) -> None:
    assert of(state) == expected


def test_it_comes_from_where_the_traceparent_comes_from() -> None:
    ours, theirs = ("tracestate", b"a=1"), ("ce_tracestate", b"b=2")
    assert trace_context(NamedHeaders((("ce_traceparent", PARENT), ours, theirs))) == (PARENT.decode(), "b=2")
    assert trace_context(NamedHeaders((ours, theirs))) == (None, None)
    assert trace_context(NamedHeaders((("traceparent", PARENT[:-1]), ours))) == (None, None)


def test_one_that_is_given_twice_is_left_out() -> None:
    assert of(b"a=1", ("tracestate", b"b=2")) is None


@given(st.binary(max_size=600) | st.from_regex(rb"\A([a-z@=,; \t0-9]{0,8},?){0,40}\Z"))
def test_what_comes_out_can_stand_in_an_http_header(state: bytes) -> None:
    found = of(state)
    assert found is None or (found.isascii() and found.isprintable() and found == found.strip() and len(found) <= 512)
