"""All connections of the sockets engine: made, kept idle, used again and closed.

The laws:
- at most `most` are open, but for those that carry a request: an idle one goes before that;
- one is used again only when it ended its last answer with nothing behind it, and has told of nothing since.

What is not obvious: tickets, which resume TLS sessions, may come while a connection is idle. They are no answer, and
the connection stays.
"""

import select
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from consumer.http.addressee import Addressee
from consumer.http.connection import BrokenError, ClosedError, Connection, Socket
from consumer.http.dialing import Connected
from consumer.http.pool import Pool
from consumer.http.socket_exchange import Exchange
from consumer.http.tls import Sessions, Tls, Trust
from consumer.http.tunnel import Tunnel

ENDING: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
"""Nothing comes behind what is there to be read."""
READABLE: Final = select.EPOLLIN | ENDING


class Connections:
    """Of one engine. Belongs to its thread."""

    def __init__(self, most: int, ca_file: Path | None) -> None:
        self._most = most
        self._trust = Trust(ca_file)
        self._sessions = Sessions()
        self._by_fd: dict[int, Connection] = {}
        self._pool = Pool()
        self.of = self._by_fd.get
        """The connection with this descriptor."""

    def made(
        self,
        connected: Connected,
        exchange: Exchange,
        now_s: float,
        tunnel: Tunnel | None = None,
        over: Socket | None = None,
    ) -> Connection:
        """A new one, for this request; `tunnel` leads from the proxy that it is connected to, to the endpoint.

        `over` is what lies over the socket that was connected, where something does.
        """
        socket = over or connected.socket
        to = exchange.to
        assert to is not None
        try:
            tls = self._tls(exchange, to, now_s) if to.secure else None
        except Exception:
            socket.close()  # nobody else has it yet
            raise
        address = connected.address if tunnel is None else exchange.target
        connection = Connection(socket, address, to, tls, tunnel)
        connection.exchange, exchange.fd = exchange, connection.fd
        self._by_fd[connection.fd] = connection
        if len(self._by_fd) > self._most:
            self.make_room()
        return connection

    def _tls(self, exchange: Exchange, to: Addressee, now_s: float) -> Tls:
        own = exchange.request.tls
        session = self._sessions.of(to.origin, now_s) if own is None else None
        return Tls(self._trust.context(own), to.name, session)

    def used_again(self, exchange: Exchange, addresses: Iterable[str], now_s: float) -> Connection | None:
        """An idle one to one of these addresses, for this request."""
        to = exchange.to
        assert to is not None
        for address in addresses:
            connection = self._pool.take(to.origin, address, now_s)
            if connection is not None:
                connection.exchange, exchange.fd = exchange, connection.fd
                return connection
        return None

    def keep(self, connection: Connection, now_s: float) -> None:
        """Its answer is whole, and it may carry another."""
        connection.exchange = None
        if len(self._by_fd) > self._most:
            self.destroy(connection, politely=True)
        else:
            self._pool.put(connection, now_s)

    def learn(self, connection: Connection, now_s: float) -> None:
        """It brought its first answer: by now there is what its session can be resumed with."""
        own = connection.exchange is not None and connection.exchange.request.tls is not None
        if connection.tls is not None and not own:
            self._sessions.keep(connection.to.origin, connection.tls, now_s)

    def distrust(self, connection: Connection) -> None:
        """Its handshake failed."""
        self._sessions.forget(connection.to.origin)

    def told_while_idle(self, connection: Connection, what: int) -> None:
        """An idle one was told of: closed, or it speaks without being asked. It is of no more use, but for tickets."""
        if not what & READABLE:
            return
        try:
            silent = connection.tls is not None and not what & ENDING and not connection.receive()
        except (BrokenError, ClosedError):
            silent = False
        if not silent or connection.unfinished:
            self._pool.drop(connection)
            self.destroy(connection)

    def make_room(self) -> bool:
        """Close the one that has been idle for longest, if any is."""
        oldest = self._pool.oldest()
        if oldest is None:
            return False
        self._pool.drop(oldest)
        self.destroy(oldest, politely=True)
        return True

    def expire(self, now_s: float) -> None:
        """Close what has been idle for too long."""
        while self._pool.expired(now_s):
            self.make_room()

    def destroy(self, connection: Connection, *, politely: bool = False) -> None:
        """Close it; it is not in the pool."""
        connection.exchange = None
        del self._by_fd[connection.fd]
        connection.close(politely=politely)

    def close(self) -> None:
        """Close all."""
        while self.make_room():
            pass
        for connection in list(self._by_fd.values()):
            self.destroy(connection)
