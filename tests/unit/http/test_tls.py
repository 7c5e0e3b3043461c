"""TLS from bytes to bytes: no socket is needed to make a handshake, or to see that it has no end."""

import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from consumer.http.tls import MOST_BARREN_BYTES, SESSIONS, Sessions, Tls, trusting
from tests.certificates import ADDRESS, Authority

ORIGIN = "https://127.0.0.1:443"


class Peers:
    """A client, and a server that it can talk to."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        self.client = trusting(authority.ca_file)
        self.server = authority.server(ADDRESS)
        self._bytes = (ssl.MemoryBIO(), ssl.MemoryBIO())
        self.answering: ssl.SSLObject

    def made(self, *, session: ssl.SSLSession | None = None, name: str = "127.0.0.1") -> Tls:
        """A connection whose handshake is done, and which has brought an answer."""
        tls, incoming, outgoing = Tls(self.client, name, session), ssl.MemoryBIO(), ssl.MemoryBIO()
        self._bytes, secured = (incoming, outgoing), tls.handshake(b"")
        self.answering = self.server.wrap_bio(incoming, outgoing, server_side=True)
        while not secured:
            incoming.write(tls.to_send())
            with suppress(ssl.SSLWantReadError):
                self.answering.do_handshake()
            secured = tls.handshake(outgoing.read())
        incoming.write(tls.to_send())
        with suppress(ssl.SSLWantReadError):
            self.answering.do_handshake()
        assert self.told(tls, b"ok") == b"ok"
        return tls

    def told(self, tls: Tls, said: bytes) -> bytes:
        """What the client makes of what the server says."""
        if said:
            self.answering.write(said)
        return tls.decrypted(self._bytes[1].read())

    def heard(self, raw: bytes) -> bytes:
        """What the server makes of what the client sends."""
        self._bytes[0].write(raw)
        return self.answering.read(100_000)


@pytest.fixture
def peers(tmp_path: Path) -> Peers:
    return Peers(tmp_path)


def test_what_is_said_arrives(peers: Peers) -> None:
    tls = peers.made()
    tls.encrypt(b"hello")
    assert peers.heard(tls.to_send()) == b"hello"
    assert tls.to_send() == b""
    assert peers.told(tls, b"x" * 50_000) == b"x" * 50_000
    assert not tls.ended


def test_both_ends_are_told(peers: Peers) -> None:
    tls = peers.made()
    assert peers.heard(tls.farewell()) == b""
    other = peers.made()
    with pytest.raises(ssl.SSLWantReadError):
        peers.answering.unwrap()
    assert peers.told(other, b"") == b""
    assert other.ended


def test_another_name_is_not_what_the_certificate_has(peers: Peers) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        peers.made(name="other.test")


def test_whoever_says_nothing_is_not_heard_for_ever(peers: Peers) -> None:
    tls = Tls(peers.client, "127.0.0.1", None)
    assert not tls.handshake(b"")
    begins = b"\x16\x03\x03\x3e\x80\x0b" + (15_000_000).to_bytes(3, "big") + b"x" * 15_996
    with pytest.raises(ssl.SSLError):  # noqa: PT012 # at one of them
        for _ in range(MOST_BARREN_BYTES // len(begins) + 1):
            tls.handshake(begins)
    tls = peers.made()
    for _ in range(3):  # an answer between them begins the count anew
        tls._has_come_to_nothing(MOST_BARREN_BYTES)
        assert peers.told(tls, b"ok") == b"ok"
    tls._has_come_to_nothing(MOST_BARREN_BYTES)
    with pytest.raises(ssl.SSLError, match="no answer in it"):
        tls.decrypted(b"\x17")


def test_a_session_is_resumed_for_an_hour(peers: Peers) -> None:
    sessions = Sessions()
    assert sessions.of(ORIGIN, 0) is None
    sessions.keep(ORIGIN, peers.made(), 100)
    assert peers.made(session=sessions.of(ORIGIN, 100)).resumed
    assert sessions.of(ORIGIN, 100 + 3_599) is not None
    assert sessions.of(ORIGIN, 100 + 3_600) is None
    assert sessions.of("https://other.test:443", 100) is None


def test_one_that_was_resumed_is_no_younger_for_it(peers: Peers) -> None:
    sessions = Sessions()
    sessions.keep(ORIGIN, peers.made(), 0)
    sessions.keep(ORIGIN, peers.made(session=sessions.of(ORIGIN, 1_000)), 1_000)
    assert sessions.of(ORIGIN, 3_600) is None


def test_one_that_is_young_is_not_asked_for_again(peers: Peers) -> None:
    sessions = Sessions()
    sessions.keep(ORIGIN, peers.made(), 0)
    first = sessions.of(ORIGIN, 0)
    sessions.keep(ORIGIN, peers.made(), 59)
    assert sessions.of(ORIGIN, 59) is first
    sessions.keep(ORIGIN, peers.made(), 60)
    assert sessions.of(ORIGIN, 60) is not first
    sessions.forget(ORIGIN)
    assert sessions.of(ORIGIN, 60) is None


def test_the_latest_origins_have_one(peers: Peers) -> None:
    sessions, tls = Sessions(), peers.made()
    for number in range(SESSIONS + 1):
        sessions._kept[str(number)] = (0.0, None)
    sessions.keep(ORIGIN, tls, 1)
    assert len(sessions._kept) == SESSIONS + 1
    assert sessions.of(ORIGIN, 1) is not None
    assert "0" not in sessions._kept


def test_what_is_trusted(peers: Peers) -> None:
    assert peers.client.minimum_version == ssl.TLSVersion.TLSv1_2
    assert peers.client.check_hostname
    assert peers.client.verify_mode is ssl.CERT_REQUIRED
