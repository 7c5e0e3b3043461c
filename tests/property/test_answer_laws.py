"""An answer is read the same however its bytes are cut, whatever they are, and never beyond its bounds."""

import random
from typing import Final, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.answer import UNTIMED, Failure, Response
from consumer.http.answer_reader import AnswerReader
from consumer.http.head_cache import HEADS, LARGEST, HeadCache
from consumer.http.transport import DRAIN_BYTES, MAX_BODY_BYTES, MAX_FRAMING_BYTES, MAX_HEAD_BYTES
from tests.hostile import answers
from tests.hostile.answers import Played

_MOST_READ: Final = MAX_HEAD_BYTES + DRAIN_BYTES + MAX_FRAMING_BYTES
_PLACES: Final = st.lists(st.integers(0, 3_000), max_size=6)


class Read(NamedTuple):
    """All that is to be told of an answer whose connection is closed behind it."""

    response: Response | None
    wrong: str | None
    over: bool
    kept: bool


def read(pieces: list[bytes], heads: HeadCache | None = None) -> Read:
    reader = AnswerReader(heads or HeadCache())
    for piece in pieces:
        if piece and reader.read(piece):
            break
    kept = reader.keeps
    if not reader.over:
        reader.closed()
    response = reader.response(1.0, UNTIMED) if reader.is_response else None
    return Read(response, None if reader.wrong is None else reader.wrong.detail, reader.over, kept)


def cut(sent: bytes, places: list[int]) -> list[bytes]:
    at = sorted({place % (len(sent) + 1) for place in places})
    return [sent[start:end] for start, end in zip([0, *at], [*at, len(sent)], strict=True)]


def same(one: Read, other: Read, sent: bytes) -> bool:
    """A cut may hide that more came behind an answer, which was over by then: the socket tells of it."""
    return one._replace(kept=False) == other._replace(kept=False) and (len(sent) > 3_000 or one.kept >= other.kept)


@given(answers.answers, _PLACES)
def test_however_it_is_cut_an_answer_is_the_same(played: Played, places: list[int]) -> None:
    sent = played.whole
    assert same(read(cut(sent, places)), read([sent]), sent)


@given(st.integers(0, 2**32))
def test_cut_at_every_place_it_is_the_same(number: int) -> None:
    sent = answers.drawn(random.Random(number)).whole[:1_500]
    whole = read([sent])
    assert same(read([sent[place : place + 1] for place in range(len(sent))]), whole, sent)
    for place in range(0, len(sent), 1 + len(sent) // 60):
        assert same(read([sent[:place], sent[place:]]), whole, sent)


@given(st.lists(answers.answers, max_size=8))
def test_heads_that_are_known_again_are_read_as_before(drawn: list[Played]) -> None:
    heads = HeadCache()
    for played in drawn * 2:
        assert read([played.whole], heads) == read([played.whole])


@given(answers.answers)
def test_as_the_reading_of_heads_alone_has_it(played: Played) -> None:
    """The simulator's endpoints answer with what `head.py` makes of the same bytes."""
    alone = answers.read(played)
    found = read([played.whole])
    match alone:
        case Response(status=status, headers=headers):
            assert found.response is None or (found.response.status, found.response.headers) == (status, headers)
            assert found.response is not None or found.wrong is not None
        case Failure():
            assert found.response is None


@given(
    st.sampled_from(
        [
            b"HTTP/1.1 100 x\r\nA: b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: ",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        ]
    ),
    st.sampled_from([b"x", b"x\r\n", b"1\r\nx\r\n", b"1;x\r\nx\r\n", b"HTTP/1.1 100 x\r\nA: b\r\n\r\n"]),
    st.integers(1, 3_000),
)
def test_an_answer_without_end_has_one(begins: bytes, goes_on: bytes, at_once: int) -> None:
    reader = AnswerReader(HeadCache())
    sent = len(begins)
    reader.read(begins)
    while not reader.over:
        assert sent <= _MOST_READ
        reader.read(goes_on * at_once)
        sent += len(goes_on) * at_once
    assert not reader.keeps
    assert sum(map(len, reader._body)) < MAX_BODY_BYTES + len(goes_on) * at_once
    if reader.is_response:
        assert len(reader.response(1.0, UNTIMED).body) == MAX_BODY_BYTES


def test_the_known_heads_have_their_bounds() -> None:
    heads = HeadCache()
    for number in range(2 * HEADS + 10):
        read([b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: 0\r\n\r\n" % number], heads)
    assert len(heads._heads) <= HEADS
    large = b"HTTP/1.1 200 OK\r\nX-Large: %s\r\nContent-Length: 0\r\n\r\n" % (b"x" * LARGEST)
    assert read([large], heads).response is not None
    assert heads.get(large) is None


def test_a_head_is_known_again_only_as_a_whole() -> None:
    heads = HeadCache()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    read([head + b"ok"], heads)
    assert heads.get(head) is not None
    for early in (b"HTTP/1.1 100 x\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: y\n\n"):
        other = HeadCache()
        read([early + head + b"ok"], other)
        assert other.get(head) is None
        assert other.get(early) is None
