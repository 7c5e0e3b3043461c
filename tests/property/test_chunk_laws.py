"""A chunked body is read the same however its bytes are cut, whatever they are, and never beyond its bound."""

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.http.chunks import TOO_MUCH_FRAMING, ChunkReader
from consumer.http.transport import MAX_FRAMING_BYTES
from tests.hostile.answers import CHUNKS

_LINE_ENDS: Final = st.sampled_from([b"\r\n", b"\n"])
_EXTENSIONS: Final = st.sampled_from([b"", b";a", b' ;a="b c"', b";" + b"x" * 40, b" "])
_TRAILERS: Final = st.lists(st.sampled_from([b"X-T: 1", b"HTTP/1.1: 500 Oops", b"a" * 50 + b":"]), max_size=3)


@st.composite
def framed(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A body, and the same in chunks."""
    parts = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=8))
    sent = b""
    for part in parts:
        size = draw(st.sampled_from([b"%x", b"%X", b"00%x"])) % len(part)
        sent += size + draw(_EXTENSIONS) + draw(_LINE_ENDS) + part + draw(_LINE_ENDS)
    sent += draw(st.sampled_from([b"0", b"000"])) + draw(_EXTENSIONS) + draw(_LINE_ENDS)
    for trailer in draw(_TRAILERS):
        sent += trailer + draw(_LINE_ENDS)
    return b"".join(parts), sent + draw(_LINE_ENDS) + draw(st.binary(max_size=20))


def cut(sent: bytes, places: list[int]) -> list[bytes]:
    """In pieces."""
    at = sorted({place % (len(sent) + 1) for place in places})
    return [sent[start:end] for start, end in zip([0, *at], [*at, len(sent)], strict=True)]


def read(pieces: list[bytes]) -> tuple[bytes, str | None]:
    """The body, and what was wrong."""
    reader = ChunkReader()
    body = b"".join(reader.read(piece) for piece in pieces)
    return body, None if reader.wrong is None else reader.wrong.detail


@given(framed(), st.lists(st.integers(0, 400), max_size=12))
def test_however_it_is_cut_the_body_is_what_was_sent(both: tuple[bytes, bytes], places: list[int]) -> None:
    body, sent = both
    assert read(cut(sent, places)) == (body, None)


@given(
    st.binary(max_size=60)
    | st.sampled_from(CHUNKS)
    | st.from_regex(re.compile(rb"[0-9a-f;\r\nx ]{0,60}"), fullmatch=True),
    st.lists(st.integers(0, 400), max_size=12),
)
def test_any_bytes_have_one_reading(sent: bytes, places: list[int]) -> None:
    assert read(cut(sent, places)) == read([sent])


@pytest.mark.parametrize(
    "sent", [b"0x2\r\nok\r\n0\r\n\r\n", b"2\r\nok\r\n0\r\nno field\r\n\r\n", b"0\r\nA: \x00\r\n\r\n", b"2g\r\nok"]
)
def test_what_would_end_a_body_too_early_is_no_chunk(sent: bytes) -> None:
    for pieces in ([sent], [sent[place : place + 1] for place in range(len(sent))]):
        assert read(pieces)[1] is not None


@given(
    st.sampled_from([b"x" * 100, b"1;x\r\ny\r\n", b"1\r\ny\r\n"]),
    st.integers(1, 5_000),
)
def test_framing_has_its_bound(piece: bytes, at_once: int) -> None:
    reader = ChunkReader()
    reader.read(b"1;\r\ny\r\n" if piece.startswith(b"1") else b"1;")
    read_of = 0
    while reader.wrong is None:
        assert read_of <= 2 * MAX_FRAMING_BYTES + at_once * len(piece)
        reader.read(piece * at_once)
        read_of += at_once * len(piece)
    assert reader.wrong is TOO_MUCH_FRAMING
    assert reader.read(piece) == b""
