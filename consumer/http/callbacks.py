"""What libcurl calls while it works on a transfer: where it may connect, and what arrives.

The laws:
- a callback must not raise, for libcurl could not pass it on: it notes what it met with its exchange, and refuses;
- whoever asks is told for which request code runs. It is the one whose socket libcurl is asked to look at: a TLS
  handshake or the first bytes of an answer are read before it calls anything. It stays in hand until libcurl returns or
  calls for another.
"""

import os
import socket
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVarTuple

import pycurl

from consumer.http.exchange import Exchange
from consumer.http.guard import AddressGuard
from consumer.http.transport import Hand

Ts = TypeVarTuple("Ts")

_Local: TypeAlias = tuple[str, int]

_NOWHERE: Final[_Local] = ("", 0)
_NONE: Final = -1  # no token
_REFUSE: Final = 0


class Callbacks:
    """Of all exchanges of an engine. Belongs to its thread."""

    def __init__(self, guard: AddressGuard, hand: Hand) -> None:
        self._guard = guard
        self._hand = hand
        self._in_hand = _NONE
        self._carried: dict[int, int] = {}  # by socket: the request that it carries, or carried last
        self._sockets: dict[_Local, int] = {}  # by their own addresses, those of connections
        self._locals: dict[int, _Local] = {}

    def hang_on(self, exchange: Exchange) -> None:
        """Let libcurl call for this exchange, for as long as its handle lives."""
        handle, guard = exchange.handle, self._guard

        def open_socket(_purpose: int, address: "pycurl.CurlSockAddr") -> int:
            """Before the first packet: a refused address is never spoken to, the next one of the host is tried."""
            to = address.addr[0]
            if to not in exchange.addresses or guard.refuses(to) is not None:
                exchange.address_refused = not exchange.address_tried  # else what became of that one is the reason
                return int(pycurl.SOCKET_BAD)
            exchange.address_tried, exchange.address_refused = True, False
            try:
                opened = socket.socket(address.family, address.socktype, address.protocol).detach()
            except OSError:
                return int(pycurl.SOCKET_BAD)  # out of descriptors: libcurl reports that it could not connect
            self._opened(exchange, opened)
            return opened

        def before_request(address: str, local: str, _port: int, local_port: int) -> int:
            """Before each request, also on a connection used again: the address it is really connected to."""
            self._carries(exchange, (local, local_port))
            if guard.refuses(address) is None:
                return int(pycurl.PREREQFUNC_OK)
            exchange.address_refused = True
            return int(pycurl.PREREQFUNC_ABORT)

        handle.setopt(pycurl.OPENSOCKETFUNCTION, self._noting(exchange, open_socket, pycurl.SOCKET_BAD))
        handle.setopt(pycurl.PREREQFUNCTION, self._noting(exchange, before_request, pycurl.PREREQFUNC_ABORT))
        handle.setopt(pycurl.HEADERFUNCTION, self._noting(exchange, exchange.on_header, _REFUSE))
        handle.setopt(pycurl.WRITEFUNCTION, self._noting(exchange, exchange.on_body, _REFUSE))

    def take(self, token: int) -> None:
        """Code runs for this request."""
        if self._in_hand != token:
            self._in_hand = token
            self._hand.take(token)

    def take_of(self, fd: int) -> None:
        """Code runs for the request that this socket carries, before libcurl has called for it."""
        token = self._carried.get(fd)
        if token is not None:
            self.take(token)

    def let_go(self) -> None:
        """Code runs for none."""
        if self._in_hand != _NONE:
            self._in_hand = _NONE
            self._hand.let_go()

    def _opened(self, exchange: Exchange, fd: int) -> None:
        """The number may have been another connection's."""
        self._sockets.pop(self._locals.pop(fd, _NOWHERE), None)
        exchange.opened.append(fd)
        self._carried[fd] = exchange.token

    def _carries(self, exchange: Exchange, local: _Local) -> None:
        """The connection of this address of ours carries this request; several were opened where a host has several."""
        fd = None if exchange.opened else self._sockets.get(local)
        if fd is None:
            fd = next((each for each in exchange.opened if _local_of(each) == local), None)
            if fd is None:
                return  # it was opened before anybody looked
            self._sockets[local], self._locals[fd] = fd, local
        self._carried[fd] = exchange.token

    def _noting(
        self, exchange: Exchange, act: Callable[[*Ts], int | None], refusal: int
    ) -> Callable[[*Ts], int | None]:
        def noting(*given: *Ts) -> int | None:
            if self._in_hand != exchange.token:
                self.take(exchange.token)
            try:
                return act(*given)
            except Exception as error:  # noqa: BLE001 # told by whoever hears the answer
                exchange.error = error
                return refusal

        return noting


def _local_of(fd: int) -> _Local | None:
    """The address of ours that a socket has; asked once a connection."""
    try:
        with socket.socket(fileno=os.dup(fd)) as same:
            local = same.getsockname()
    except OSError:
        return None  # closed: another of the host's addresses was faster
    return str(local[0]), int(local[1])
