"""While an engine works for a request, that request is in hand: a fault in C code is blamed on the right record."""

import socket
import ssl
import threading
from collections.abc import Iterator
from ipaddress import ip_address

import pycurl
import pytest
from cryptography.x509 import IPAddress

from consumer.http.curl import CurlTransport
from consumer.http.guard import AddressGuard
from consumer.http.sockets import SocketsTransport
from tests.certificates import Authority
from tests.conformance.conftest import LOOPBACK
from tests.conformance.scripted import OK, Endpoint, Line, finish, request

ADDRESS = IPAddress(ip_address("127.0.0.1"))


class Hand:
    """Remembers for which request code runs."""

    def __init__(self) -> None:
        self.held: int | None = None

    def take(self, token: int) -> None:
        self.held = token

    def let_go(self) -> None:
        self.held = None


class Watched:
    """libcurl's multi handle, which notes what is in hand when it is asked to look at a socket."""

    def __init__(self, multi: pycurl.CurlMulti, hand: Hand) -> None:
        self._multi = multi
        self._hand = hand
        self.seen: list[int | None] = []

    def socket_action(self, fd: int, action: int) -> object:
        if fd != pycurl.SOCKET_TIMEOUT:
            self.seen.append(self._hand.held)
        return self._multi.socket_action(fd, action)

    def __getattr__(self, name: str) -> object:
        return getattr(self._multi, name)


def in_pieces(line: Line) -> None:
    """So that libcurl is asked to look again."""
    while line.read() is not None:
        line.drip([OK[:10], OK[10:]], 0.02)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def engine(hand: Hand, authority: Authority) -> Iterator[CurlTransport]:
    opened = CurlTransport(AddressGuard(LOOPBACK), ca_file=authority.ca_file, hand=hand)
    yield opened
    opened.close()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_whatever_libcurl_does_with_a_socket_it_does_for_the_request_in_hand(
    engine: CurlTransport, hand: Hand, authority: Authority, *, secure: bool
) -> None:
    engine._multi = watched = Watched(engine._multi, hand)
    tls = authority.server(ADDRESS) if secure else None
    with Endpoint(in_pieces, tls=tls) as endpoint:
        for token in (7, 8, 9):  # the later ones on the same connection
            engine.submit(token, request(endpoint.url))
            assert list(finish(engine)) == [token]
            assert set(watched.seen) == {token}, "also while the handshake is made, and before the answer is called for"
            watched.seen.clear()
        assert endpoint.accepted == 1
    assert hand.held is None


def test_requests_to_one_host_at_once_are_told_apart(engine: CurlTransport, hand: Hand) -> None:
    engine._multi = watched = Watched(engine._multi, hand)

    with Endpoint(in_pieces) as endpoint:
        for tokens in ((1, 2, 3), (4, 5, 6)):
            for token in tokens:
                engine.submit(token, request(endpoint.url))
            assert sorted(finish(engine)) == list(tokens)
            assert set(watched.seen) == set(tokens)
            watched.seen.clear()


class Noted:
    """What is in hand, in this thread, whenever the sockets engine asks the system or OpenSSL for something."""

    def __init__(self, hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[int | None] = []
        thread, noted = threading.get_ident(), self

        def note() -> None:
            if threading.get_ident() == thread:  # the endpoint has threads of its own
                noted.seen.append(hand.held)

        class Socket(socket.socket):
            def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
                note()
                return super().recv(bufsize, flags)

            def connect_ex(self, address: object, /) -> int:
                note()
                return super().connect_ex(address)  # type: ignore[arg-type] # whatever it was given

        class Tls(ssl.SSLObject):
            def do_handshake(self) -> None:
                note()
                super().do_handshake()

            def read(self, *given: object) -> bytes:
                note()
                return super().read(*given)  # type: ignore[arg-type] # whatever it was given

        monkeypatch.setattr(socket, "socket", Socket)
        monkeypatch.setattr(ssl.SSLContext, "sslobject_class", Tls)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_whatever_the_sockets_engine_does_it_does_for_the_request_in_hand(
    hand: Hand, authority: Authority, monkeypatch: pytest.MonkeyPatch, *, secure: bool
) -> None:
    engine = SocketsTransport(AddressGuard(LOOPBACK), ca_file=authority.ca_file, hand=hand)
    noted = Noted(hand, monkeypatch)
    with Endpoint(in_pieces, tls=authority.server(ADDRESS) if secure else None) as endpoint:
        for tokens in ((7,), (8,), (1, 2, 3), (4, 5, 6)):
            for token in tokens:
                engine.submit(token, request(endpoint.url))
            assert sorted(finish(engine)) == list(tokens)
            assert set(noted.seen) == set(tokens)
            noted.seen.clear()
        assert hand.held is None
        engine.close()
