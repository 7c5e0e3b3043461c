"""Where an answer ends, and what may follow on its connection."""

import pytest

from consumer.delivery.answer import UNTIMED
from consumer.http.answer_reader import BODY_CUT, AnswerReader
from consumer.http.head_cache import HeadCache
from consumer.http.transport import DRAIN_BYTES, MAX_BODY_BYTES

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def reader(*pieces: bytes) -> AnswerReader:
    made = AnswerReader(HeadCache())
    for piece in pieces:
        made.read(piece)
    return made


def is_response(made: AnswerReader) -> bool:
    return made.is_response


def body(made: AnswerReader) -> bytes:
    assert is_response(made)
    return made.response(1.0, UNTIMED).body


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (OK + b"Content-Length: 2\r\n\r\nok", True),
        (OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", True),
        (OK + b"Content-Length: 2\r\n\r\nok!", False),
        (OK + b"Content-Length: 2\r\nConnection: Close\r\n\r\nok", False),
        (OK + b"Content-Length: 2\r\nConnection: keep-alive, close\r\n\r\nok", False),
        (OK + b"Content-Length: 2\r\nConnection: keep-alive\r\n\r\nok", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", True),
        (CHUNKED + b"2\r\nok\r\n0\r\nA: b\r\n\r\n", True),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n!", False),
        (OK + b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False),
    ],
)
def test_a_connection_is_kept_where_the_next_answer_cannot_be_mistaken(sent: bytes, kept: bool) -> None:
    made = reader(sent)
    assert body(made) == b"ok"
    assert made.over
    assert made.keeps is kept


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("behind", [b"", b"abc"])
def test_what_comes_behind_an_answer_without_body_is_none_of_it(status: int, behind: bytes) -> None:
    made = reader(b"HTTP/1.1 %d x\r\nContent-Length: 3\r\n\r\n%s" % (status, behind))
    assert body(made) == b""
    assert made.keeps is (behind == b"")


def test_an_answer_without_length_ends_with_its_connection() -> None:
    made = reader(OK + b"\r\n", b"to the ", b"end")
    assert not is_response(made)
    made.closed()
    assert body(made) == b"to the end"
    assert not made.keeps


@pytest.mark.parametrize(
    "sent", [OK + b"Content-Length: 9\r\n\r\nabc", CHUNKED + b"9\r\nabc", CHUNKED + b"3\r\nabc\r\n"]
)
def test_a_body_that_breaks_off_is_wrong(sent: bytes) -> None:
    made = reader(sent)
    made.closed()
    assert made.wrong is BODY_CUT
    assert not made.is_response


@pytest.mark.parametrize("sent", [b"H", b"HTTP/1.1 200 OK", OK, OK + b"A: b\r\n", b"HTTP/1.1 100 x\r\n\r\n"])
def test_a_head_that_breaks_off_is_nothing(sent: bytes) -> None:
    made = reader(sent)
    made.closed()
    assert (made.wrong, made.is_response, made.over) == (None, False, False)


def test_once_more_has_come_than_is_kept_any_end_is_an_answer() -> None:
    for framing in (b"Content-Length: 999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n"):
        made = reader(OK + framing + b"x" * MAX_BODY_BYTES)
        assert not is_response(made)
        made.read(b"x")
        assert is_response(made)
        made.closed()
        assert len(body(made)) == MAX_BODY_BYTES
        assert not made.keeps


def test_a_long_body_is_read_to_its_end_and_a_longer_one_is_cut() -> None:
    for size in (DRAIN_BYTES, DRAIN_BYTES + 1):
        made = reader(OK + b"Content-Length: %d\r\n\r\n" % size, b"x" * size)
        assert made.over
        assert made.keeps is (size == DRAIN_BYTES)
    assert reader(OK + b"Content-Length: 999999\r\n\r\n", b"x" * DRAIN_BYTES, b"x").over


def test_no_line_is_waited_for_where_nothing_can_become_one() -> None:
    for sent in (b"SSH-2.0", b"<html>", b"\x00", b"HTTX"):
        assert reader(sent).wrong is not None


def test_a_head_in_single_bytes_takes_no_more_work_than_it_has_bytes() -> None:
    made = AnswerReader(HeadCache())
    made.read(OK)
    for _ in range(60_000):
        made.read(b"X")
    assert not made.over
    assert len(made._line) == 60_000
