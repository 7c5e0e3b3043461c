"""An answer's head from its lines: one reading for whatever comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.http.head import Head, HeadReader, Malformed, head_of
from consumer.http.transport import MAX_HEAD_BYTES
from tests.hostile.answers import FIELDS, ODD_FIELDS, ODD_STATUS_LINES, OK, STATUS_LINES

lines = st.sampled_from((*STATUS_LINES, *ODD_STATUS_LINES, *FIELDS, *ODD_FIELDS, b"\r\n", b"\n")) | st.binary(
    max_size=40
)


def found(*given: bytes) -> Head | Malformed | None:
    reader = HeadReader()
    for line in given:
        reader.line(line)
    return reader.found


def head(*given: bytes) -> Head:
    whole = found(*given, b"\r\n")
    assert isinstance(whole, Head), whole
    return whole


@given(st.lists(lines, max_size=12))
def test_any_lines_have_one_reading(drawn: list[bytes]) -> None:
    reader = HeadReader()
    for line in drawn:
        before = reader.found
        goes_on = reader.line(line)
        assert goes_on == (not isinstance(reader.found, Malformed))
        assert before is None or reader.found == before
    if isinstance(reader.found, Head):
        assert 200 <= reader.found.status <= 999
        assert all("\n" not in name + value and "\x00" not in name + value for name, value in reader.found.headers)
    assert found(*drawn) == reader.found


@given(st.lists(lines, max_size=12))
def test_a_head_that_comes_whole_is_read_the_same(drawn: list[bytes]) -> None:
    for begins in ([], [OK]):
        whole = b"".join([*begins, *drawn, b"\r\n"])
        whole = whole[: whole.find(b"\r\n\r\n") + 4] if b"\r\n\r\n" in whole else whole
        read = head_of(whole)
        assert read is None or read == found(*whole.splitlines(keepends=True))


def test_the_usual_heads_are_read_whole() -> None:
    usual = OK + b"".join(FIELDS) + b"Content-Length: 2\r\n\r\n"
    assert head_of(usual) is not None
    assert head_of(OK + b"A: b\r\n" * 2_000 + b"\r\n") is not None
    assert head_of(OK + b"A: b\r\n" * 2_001 + b"\r\n") is None
    for unusual in (b"A: b\r\n c\r\n", b"A: b\n", b"A: b\rc\r\n", b"X" * MAX_HEAD_BYTES + b": y\r\n", b"no field\r\n"):
        assert head_of(OK + unusual + b"\r\n") is None


@pytest.mark.parametrize("line", STATUS_LINES)
def test_a_status_line_is_version_status_and_whatever_reason(line: bytes) -> None:
    assert head(line).status == int(line[9:12])


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 200OK\r\n",
        b"HTTP/1.1 2000 OK\r\n",
        b"HTTP/1.1 20 OK\r\n",
        b"HTTP/1.1 000 x\r\n",
        b"HTTP/1.1 099 x\r\n",
        b"HTTP/1.1 +20 x\r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/1.1\t200 OK\r\n",
        b" HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 O\x00K\r\n",
        b"HTTP/2 200\r\n",
        b"HTTP/1.2 200 OK\r\n",
        b"HTTP/0.9 200 OK\r\n",
        b"http/1.1 200 OK\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"HTTP/1.1\r\n",
        b"HTTP/x: 1\r\n",
        b"\r\n",
        b"",
        "HTTP/1.1 ٢٠٠ OK\r\n".encode(),
        b"HTTP/1.1 \xb2\xb0\xb0 OK\r\n",
    ],
)
def test_what_is_no_status_line_of_http_1_is_malformed_at_once(line: bytes) -> None:
    assert isinstance(found(line), Malformed)


def test_a_header_named_like_a_version_is_a_header() -> None:
    assert head(OK, b"HTTP/x: 1\r\n", b"HTTP/1.1: 500 Oops\r\n").headers == (("HTTP/x", "1"), ("HTTP/1.1", "500 Oops"))


def test_a_status_line_stands_behind_interim_answers_only() -> None:
    early = (b"HTTP/1.1 103 Early Hints\r\n", b"Link: </a>\r\n", b"\r\n")
    assert head(*early, *early, OK, b"A: b\r\n") == Head(minor=1, status=200, headers=(("A", "b"),), chunked=False)
    assert isinstance(found(OK, OK), Malformed)


def test_what_comes_behind_the_head_is_counted_and_not_kept() -> None:
    reader = HeadReader()
    assert all(reader.line(line) for line in (OK, b"\r\n", b"HTTP/1.1 500 Oops\r\n", b"no field\r\n", b"\r\n"))
    assert reader.found == Head(minor=1, status=200, headers=(), chunked=False)
    assert not reader.line(b"x" * MAX_HEAD_BYTES + b"\r\n")


def test_a_folded_field_is_one_field() -> None:
    assert head(OK, b"A: b\r\n", b" \r\n", b"\t c \r\n", b" d\r\n", b"E: f\r\n").headers == (("A", "b c d"), ("E", "f"))
    assert isinstance(found(OK, b" c\r\n"), Malformed)


@pytest.mark.parametrize(
    "line", [b"no colon\r\n", b": no name\r\n", b"A : b\r\n", b"A B: c\r\n", b"A: \x00\r\n", b"A: b\rC: d\r\n"]
)
def test_what_is_no_field_is_malformed(line: bytes) -> None:
    assert isinstance(found(OK, line), Malformed)


@pytest.mark.parametrize("length", ["-1", "+5", "0x5", "5, 5", "5 5", "", "٣", "9" * 19, "9" * 5_000, "1e3"])
def test_a_length_that_is_no_number_is_malformed(length: str) -> None:
    assert isinstance(found(OK, f"Content-Length: {length}\r\n".encode(), b"\r\n"), Malformed)


def test_a_body_ends_where_everybody_would_find_its_end() -> None:
    assert head(OK, b"Content-Length: 5\r\n", b"content-length:  5 \r\n").status == 200
    assert isinstance(found(OK, b"Content-Length: 5\r\n", b"Content-Length: 6\r\n", b"\r\n"), Malformed)
    assert head(OK, b"Transfer-Encoding: Chunked\r\n").status == 200
    for coding in (b"gzip, chunked", b"identity", b"chunked\r\nTransfer-Encoding: chunked", b""):
        lines = [line + b"\r\n" for line in (b"Transfer-Encoding: " + coding).split(b"\r\n")]
        assert isinstance(found(OK, *lines, b"\r\n"), Malformed)


def test_floods_are_cut() -> None:
    assert isinstance(found(*(b"HTTP/1.1 100 x\r\n", b"\r\n") * 5_000), Malformed)
    assert isinstance(found(OK, *[b"A: b\r\n"] * 3_000), Malformed)
    assert isinstance(found(OK, b"A: b\r\n", *[b" c\r\n"] * 20_000), Malformed)


def test_a_reader_is_used_again() -> None:
    reader = HeadReader()
    reader.line(b"nonsense\r\n")
    reader.begin()
    assert reader.found is None
    assert all(reader.line(line) for line in (OK, b"\r\n"))


def test_two_locations_are_malformed_as_libcurl_has_it_and_one_twice_is_not() -> None:
    assert isinstance(found(OK, b"Location: /a\r\n", b"location: /b\r\n", b"\r\n"), Malformed)
    assert head(OK, b"Location: /a\r\n", b"location: /a\r\n").headers == (("Location", "/a"), ("location", "/a"))
