"""The native step reads heads and chunks as `consumer/http/head.py` and `chunks.py` do, in the same words."""

import re
from collections.abc import Callable
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.http.chunks import ChunkReader
from consumer.http.head import Head, HeadReader, Malformed
from consumer.http.transport import DRAIN_BYTES, MAX_BODY_BYTES, MAX_FRAMING_BYTES, MAX_HEAD_BYTES
from consumer.kafka import avro_bytes, avro_text
from tests.hostile.answers import (
    CHUNKS,
    CODINGS,
    FIELDS,
    LENGTHS,
    ODD_FIELDS,
    ODD_STATUS_LINES,
    OK,
    STATUS_LINES,
    Played,
    answers,
)

native = pytest.importorskip("hookline_native", reason="make native builds it, with cargo")

LINES = (
    st.sampled_from((*STATUS_LINES, *ODD_STATUS_LINES, *FIELDS, *ODD_FIELDS, b"\r\n", b"\n", b" \r\n", b"\t c \r\n"))
    | st.sampled_from([f"Content-Length: {length}\r\n".encode() for length in LENGTHS])
    | st.sampled_from([f"transfer-encoding: {coding}\r\n".encode() for coding in CODINGS])
    | st.sampled_from([b"Location: /a\r\n", b"LOCATION: /b\r\n"])
    | st.binary(max_size=40)
    | st.from_regex(re.compile(rb"[A-Za-z\x80-\xff:]{0,9}: ?[ -~\x80-\xff\t]{0,20}\r?\n"), fullmatch=True)
)


Told: TypeAlias = tuple[int, int, tuple[tuple[str, str], ...], bool, int | None, bool]


def read(lines: list[bytes]) -> tuple[Told | None, str | None]:
    """What `head.py` makes of them, said as the native step says it."""
    reader = HeadReader()
    for line in lines:
        if not reader.line(line):
            break
    match reader.found:
        case Head() as head:
            return (head.minor, head.status, head.headers, head.chunked, head.length, head.closes), None
        case Malformed(detail=detail):
            return None, detail
        case None:
            return None, None


def lines_of(played: Played) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+", played.whole)


@given(st.lists(LINES, max_size=12) | st.lists(LINES, max_size=8).map(lambda lines: [OK, *lines, b"\r\n"]))
def test_any_lines_are_the_same_head(lines: list[bytes]) -> None:
    assert native.read_head(lines) == read(lines)


@given(answers)
def test_any_answer_has_the_same_head(played: Played) -> None:
    assert native.read_head(lines_of(played)) == read(lines_of(played))


@pytest.mark.parametrize(
    "lines",
    [
        [OK, *[b"A: b\r\n"] * 2_000, b"\r\n"],
        [OK, *[b"A: b\r\n"] * 2_001, b"\r\n"],
        [OK, b"A: b\r\n", *[b" c\r\n"] * 20_000],
        [b"HTTP/1.1 100 x\r\n", b"\r\n"] * 5_000,
        [OK, b"A: " + b"x" * (MAX_HEAD_BYTES - len(OK) - 7) + b"\r\n", b"\r\n"],
        [OK, b"A: " + b"x" * (MAX_HEAD_BYTES - len(OK) - 6) + b"\r\n", b"\r\n"],
    ],
    ids=["as many as may be", "one too many", "folds", "interim answers", "as large as may be", "one byte too large"],
)
def test_heads_have_the_same_bounds(lines: list[bytes]) -> None:
    assert native.read_head(lines) == read(lines)


@given(
    st.binary(max_size=60)
    | st.sampled_from(CHUNKS)
    | st.from_regex(re.compile(rb"[0-9a-f;\r\nx ]{0,60}"), fullmatch=True),
    st.lists(st.integers(0, 400), max_size=12),
)
def test_any_bytes_are_the_same_chunks(sent: bytes, places: list[int]) -> None:
    at = sorted({place % (len(sent) + 1) for place in places})
    pieces = [sent[start:end] for start, end in zip([0, *at], [*at, len(sent)], strict=True)]
    reader = ChunkReader()
    body = b"".join(reader.read(piece) for piece in pieces)
    assert native.read_chunks(pieces) == (body, None if reader.wrong is None else reader.wrong.detail)


def test_the_limits_are_the_ports() -> None:
    assert native.LIMITS == (MAX_BODY_BYTES, MAX_HEAD_BYTES, DRAIN_BYTES, MAX_FRAMING_BYTES)


KINDS = st.text(st.sampled_from("sbldtSBLDT"), max_size=8)


@given(
    KINDS,
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"\x00", b"\x02", b"\x04ab", b"\x80", b"\xff\x01"])).map(b"".join),
)
def test_any_bytes_are_the_same_values_of_avro(kinds: str, value: bytes) -> None:
    at = min(1, len(value))
    try:
        found = avro_bytes.read(kinds, value, at)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 # their words differ where a text is no UTF-8
            native.read_avro(kinds, value, at)
    else:
        assert repr(native.read_avro(kinds, value, at)) == repr(found)  # as text: a float may be no number


VALUES = {
    "s": st.text(max_size=20) | st.sampled_from(["a" * 64, "a" * 10_000]),
    "b": st.binary(max_size=80),
    "l": st.integers(-(2**63), 2**63 - 1),
    "d": st.floats(),
    "t": st.booleans(),
}
VALUES |= {kind.upper(): st.none() | value for kind, value in VALUES.items()}


@given(st.data(), KINDS)
def test_any_values_are_the_same_bytes_of_avro_and_are_read_again(data: st.DataObject, kinds: str) -> None:
    values = tuple(data.draw(VALUES[kind]) for kind in kinds)
    written = avro_text.write(b"head", kinds, values)
    assert native.write_avro(b"head", kinds, values) == written
    read = native.read_avro(kinds, written, 4)
    assert repr(read) == repr((values, len(written)))


@pytest.mark.parametrize("write", [native.write_avro, avro_text.write])
def test_what_cannot_be_written_is_not_written_as_another(write: Callable[..., bytes]) -> None:
    for values in (("a", "b"), ()):
        with pytest.raises(ValueError):  # noqa: PT011 # their words differ
            write(b"", "s", values)
    with pytest.raises(UnicodeEncodeError):
        write(b"", "sS", ("a", "\ud800"))


def test_a_place_beyond_the_bytes_is_none() -> None:
    for read in (native.read_avro, avro_bytes.read):
        with pytest.raises(ValueError, match="it is cut"):
            read("s", b"", 5)
