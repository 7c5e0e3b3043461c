"""A proxy's answers have one reading, however they are cut; and nothing of them is told."""

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from consumer.http.transport import MAX_HEAD_BYTES
from consumer.http.tunnel import Connect, Socks5, Tunnel

SECRET = "s3cret"
STANDS = b"HTTP/1.1 200 Connection established\r\nX-Proxy: a\r\n\r\n"
OPEN = b"\x05\x00"
REPLY = b"\x05\x00\x00"
REPLIES = (
    REPLY + b"\x01" + bytes(6),
    REPLY + b"\x04" + bytes(18),
    REPLY + b"\x03\x04host" + bytes(2),
)
anything = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda head, rest: head + rest, st.sampled_from((STANDS, OPEN, OPEN + REPLIES[0])), st.binary(max_size=80)
    ),
    st.builds(lambda status: b"HTTP/1.0 %d x\r\n\r\n" % status, st.integers(0, 999)),
)


New: TypeAlias = Callable[[], Tunnel]


def connect() -> Tunnel:
    return Connect("192.0.2.1", 443, user="u", password=SECRET)


def socks() -> Tunnel:
    return Socks5("192.0.2.1", 443, user="u", password=SECRET)


def read(tunnel: Tunnel, said: bytes, cuts: list[int]) -> tuple[bool, str, bytes, bytes]:
    """All of it, cut there: whether it stands, why not, what came behind it, and what was said in return."""
    answers, start = tunnel.begins(), 0
    for end in (*sorted(cut for cut in cuts if cut < len(said)), len(said)):
        if end > start and not (tunnel.stands or tunnel.refusal):
            answers += tunnel.read(said[start:end])
            start = end
    return tunnel.stands, tunnel.refusal, tunnel.behind + said[start:], answers


@given(anything, st.lists(st.integers(0, 300), max_size=6), st.sampled_from((connect, socks)))
def test_any_answer_has_one_reading_and_is_never_repeated(said: bytes, cuts: list[int], new: New) -> None:
    whole, cut = read(new(), said, []), read(new(), said, cuts)
    assert whole[:2] == cut[:2]
    if whole[0]:
        assert whole == cut
    assert not (whole[0] and whole[1])
    assert SECRET not in whole[1]


@given(st.binary(max_size=80), st.sampled_from(REPLIES))
def test_what_comes_behind_is_given_on_untouched(behind: bytes, reply: bytes) -> None:
    assert read(connect(), STANDS + behind, [])[2] == behind
    assert read(socks(), OPEN + reply + behind, [])[2] == behind


def test_a_proxy_that_goes_on_and_on_is_heard_to_an_end() -> None:
    tunnel, heard = connect(), 0
    while not tunnel.refusal:
        tunnel.read(b"HTTP/1.1 200 OK" if not heard else b"x" * 1_000)
        heard += 1_000
        assert heard <= 2 * MAX_HEAD_BYTES
    lines = connect()
    lines.read(b"HTTP/1.1 200 OK\r\n")
    heard = 0
    while not lines.refusal:
        lines.read(b"x: y\r\n" * 100)
        heard += 600
        assert heard <= 2 * MAX_HEAD_BYTES


def test_how_it_is_asked() -> None:
    assert Connect("hooks.test", 8443, user=None, password="").begins() == (
        b"CONNECT hooks.test:8443 HTTP/1.1\r\nHost: hooks.test:8443\r\n\r\n"
    )
    assert Connect("2001:db8::1", 443, user="a", password="b:c").begins() == (
        b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\nProxy-Authorization: Basic YTpiOmM=\r\n\r\n"
    )
    assert Socks5("hooks.test", 443, user=None, password="").begins() == b"\x05\x01\x00"
    asked = Socks5("hooks.test", 443, user=None, password="")
    assert asked.read(OPEN) == b"\x05\x01\x00\x03\x0ahooks.test\x01\xbb"
    assert Socks5("2001:db8::1", 443, user="a", password="b").begins() == b"\x05\x02\x00\x02"
    login = Socks5("192.0.2.1", 443, user="a", password="bc")
    assert login.read(b"\x05\x02") == b"\x01\x01a\x02bc"
    assert login.read(b"\x01\x00") == b"\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb"


def test_refusals_are_told_in_words_of_ours() -> None:
    for said in (
        b"\x05\xff",
        b"\x05\x02\x01\x01",
        OPEN + b"\x05\x02\x00\x01" + bytes(6),
        OPEN + b"\x05\x63\x00\x01" + bytes(6),
    ):
        tunnel = socks()
        tunnel.read(said)
        assert tunnel.refusal
        assert not tunnel.stands
    none = Socks5("192.0.2.1", 443, user=None, password="")
    none.read(b"\x05\x02")
    assert "login" in none.refusal
