"""Connecting: of a request's addresses the first one that can be.

The laws:
- addresses are tried in their order; the next one when one fails, or has been silent for NEXT_AFTER_S (RFC 8305);
- a request has at most AT_ONCE sockets under way: of more addresses that are silent the one begun first is given up.
"""

import errno
import os
import select
import socket
from collections.abc import Callable
from typing import Final, NamedTuple

from consumer.http.deadlines import Deadlines
from consumer.http.socket_exchange import Exchange

NEXT_AFTER_S: Final = 0.25
AT_ONCE: Final = 4
EVENTS: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET

_STREAM: Final = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
_UNDER_WAY: Final = frozenset({errno.EINPROGRESS, errno.EALREADY})
_CONNECTED: Final = frozenset({0, errno.EISCONN})
_OUT_OF_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})


class Connected(NamedTuple):
    """A socket, and the address that it is connected to."""

    socket: socket.socket
    address: str


class Dialing:
    """Of one engine: its sockets that are not connected yet."""

    def __init__(self, epoll: select.epoll, make_room: Callable[[], bool]) -> None:
        """`make_room` closes a connection that nobody uses, and says whether there was one."""
        self._epoll = epoll
        self._make_room = make_room
        self._of: dict[int, Exchange] = {}  # by descriptor
        self._patience = Deadlines()

    def exchange(self, fd: int) -> Exchange | None:
        """Which request this socket is connected for."""
        return self._of.get(fd)

    def begin(self, exchange: Exchange, addresses: list[str], now_s: float) -> bool:
        """Connect to one of these; False when that has failed already, and `problem` says why."""
        exchange.to_try = addresses[::-1]
        return self.try_next(exchange, now_s)

    def try_next(self, exchange: Exchange, now_s: float) -> bool:
        """Go on to the next address that does not fail at once, if there is one; whether any is being tried."""
        self._patience.clear(exchange.token)
        while exchange.to_try:
            if self._opened(exchange, exchange.to_try.pop()):
                break
        if len(exchange.trying) > AT_ONCE:
            self._give_up(exchange, next(iter(exchange.trying)))
        if exchange.to_try:
            self._patience.set(exchange.token, now_s + NEXT_AFTER_S)
        return bool(exchange.trying)

    def connected(self, fd: int, exchange: Exchange) -> Connected | None:
        """Look at a socket that was told of: connected, or not yet, or failed and given up."""
        trying, address = exchange.trying[fd]
        code = trying.connect_ex((address, exchange.port))
        if code in _UNDER_WAY:
            return None  # it was told of another socket that had this number
        if code not in _CONNECTED:
            exchange.problem = os.strerror(code)
            self._give_up(exchange, fd)
            return None
        del exchange.trying[fd], self._of[fd]
        self.stop(exchange)
        return Connected(trying, address)

    def impatient(self, now_s: float) -> list[int]:
        """The requests whose next address is to be tried now, by their tokens."""
        return self._patience.due(now_s)

    @property
    def next_s(self) -> float | None:
        """When the next one is."""
        return self._patience.next_s

    def stop(self, exchange: Exchange) -> None:
        """No address of this request is tried any more."""
        self._patience.clear(exchange.token)
        exchange.to_try = []
        for fd in list(exchange.trying):
            self._give_up(exchange, fd)

    def _opened(self, exchange: Exchange, address: str) -> bool:
        """Whether connecting to this address is under way."""
        try:
            opened = self._socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        except OSError as error:
            exchange.problem = error.strerror or "no socket"
            return False
        code = opened.connect_ex((address, exchange.port))
        if code not in _UNDER_WAY and code not in _CONNECTED:
            exchange.problem = os.strerror(code)
            opened.close()
            return False
        fd = opened.fileno()
        exchange.trying[fd] = (opened, address)
        self._of[fd] = exchange
        self._epoll.register(fd, EVENTS)
        return True

    def _socket(self, family: socket.AddressFamily) -> socket.socket:
        try:
            opened = socket.socket(family, _STREAM, socket.IPPROTO_TCP)
        except OSError as error:
            if error.errno not in _OUT_OF_DESCRIPTORS or not self._make_room():
                raise
            opened = socket.socket(family, _STREAM, socket.IPPROTO_TCP)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def _give_up(self, exchange: Exchange, fd: int) -> None:
        trying, _ = exchange.trying.pop(fd)
        del self._of[fd]
        trying.close()
