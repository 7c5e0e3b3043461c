"""What an idle connection of the sockets engine may be told of."""

import select
import socket
import ssl
from collections.abc import Iterator

import pytest

from consumer.http.addressee import Addressee
from consumer.http.connection import Connection
from consumer.http.connections import Connections
from consumer.http.tls import Tls

TO = Addressee(origin="https://a.example:443", name="a.example", port=443, secure=True, begins="")


class Says(Tls):
    """TLS in which everything that comes says this; b"" is a ticket."""

    def __init__(self, says: bytes, *, ended: bool = False) -> None:
        super().__init__(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "a.example", None)
        self._says = says
        self.ended = ended

    def decrypted(self, received: bytes) -> bytes:
        return self._says


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def idle(ours: socket.socket, tls: Tls | None) -> tuple[Connections, Connection]:
    connections, connection = Connections(10, None), Connection(ours, "192.0.2.1", TO, tls)
    connection.secured = True
    connections._by_fd[connection.fd] = connection
    connections.keep(connection, 0)
    return connections, connection


def kept(connections: Connections) -> bool:
    assert (len(connections._by_fd) == 1) is (len(connections._pool) == 1)
    return len(connections._pool) == 1


@pytest.mark.parametrize(
    ("tls", "what", "stays"),
    [
        pytest.param(Says(b""), select.EPOLLIN, True, id="a ticket"),
        pytest.param(Says(b"HTTP"), select.EPOLLIN, False, id="an answer"),
        pytest.param(Says(b"", ended=True), select.EPOLLIN, False, id="the end of TLS"),
        pytest.param(Says(b""), select.EPOLLIN | select.EPOLLRDHUP, False, id="the end behind a ticket"),
        pytest.param(None, select.EPOLLIN, False, id="anything without TLS"),
        pytest.param(None, select.EPOLLOUT, True, id="that it may be written"),
    ],
)
def test_an_idle_connection_stays_only_for_what_is_no_answer(
    ends: tuple[socket.socket, socket.socket], tls: Tls | None, what: int, stays: bool
) -> None:
    ours, theirs = ends
    connections, connection = idle(ours, tls)
    theirs.send(b"something")
    connections.told_while_idle(connection, what)
    assert kept(connections) is stays


def test_an_end_that_was_told_of_as_something_to_read_is_an_end(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    connections, connection = idle(ours, Says(b""))
    theirs.close()
    connections.told_while_idle(connection, select.EPOLLIN)
    assert not kept(connections)
