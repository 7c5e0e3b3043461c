"""The course of a request inside the sockets engine, from its addresses to its answer.

The laws:
- every request that is under way ends once, with an answer, or is forgotten; its connection is kept then, or destroyed;
- it is sent again, once and on a new connection, only where one that carried others before ended without a byte of an
  answer: its server closed it for having been idle, at the moment when we sent.
"""

import select
from collections.abc import Sequence
from typing import Final

from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.delivery.names import REFUSED_DETAIL
from consumer.http.answer_reader import HEAD_CUT
from consumer.http.connection import BrokenError, ClosedError, Connection
from consumer.http.connections import ENDING, READABLE, Connections
from consumer.http.deadlines import Deadlines
from consumer.http.dialing import Connected, Dialing
from consumer.http.guard import AddressGuard
from consumer.http.socket_exchange import NO_FD, Exchange

_NOT_SENT_TO: Final = "the URL is not one of http or https that requests are sent to"
_NO_TLS: Final = "the connection was closed in the handshake"


class Course:
    """Of all requests of one engine, straight to their endpoints. Through a proxy it is `proxied_course.py`.

    `answers` are those that ended, `unsent` the requests that ended without one (`Transport.unsent`), `eager` the
    connections to come back to.
    """

    def __init__(self, guard: AddressGuard, connections: Connections, dialing: Dialing) -> None:
        self._guard = guard
        self._connections = connections
        self._dialing = dialing
        self._deadlines = Deadlines()
        self.under_way: dict[int, Exchange] = {}
        self.answers: list[tuple[int, Answer]] = []
        self.unsent: list[int] = []
        self.eager: dict[Connection, int] = {}  # each with what it was told of
        self.dialled_for = dialing.exchange

    @property
    def open(self) -> bool:
        """Whether requests may leave."""
        return True

    @property
    def in_flight(self) -> int:
        """How many requests have been entered, and have not ended."""
        return len(self.under_way)

    @property
    def next_s(self) -> float | None:
        """When the next request is over, or its next address is to be tried."""
        times = [each for each in (self._deadlines.next_s, self._dialing.next_s) if each is not None]
        return min(times, default=None)

    def overdue(self, now_s: float) -> list[Exchange]:
        """The requests that are over."""
        return [self.under_way[token] for token in self._deadlines.due(now_s)]

    def impatient(self, now_s: float) -> list[Exchange]:
        """The requests whose next address is to be tried."""
        return [self.under_way[token] for token in self._dialing.impatient(now_s)]

    def look(self, now_s: float) -> Sequence[Exchange]:
        """Do what no request waits for by itself; those that may begin again."""
        del now_s
        return ()

    def close(self) -> None:
        """No turn is taken any more."""

    def take_answers(self) -> list[tuple[int, Answer]]:
        """Those since this was last called."""
        answers, self.answers = self.answers, []
        return answers

    # ── from request to connection ───────────────────────────────────────────────────────────────────────────────

    def enter(self, exchange: Exchange, until_s: float) -> None:
        """It is under way, and over at that time."""
        self.under_way[exchange.token] = exchange
        self._deadlines.set(exchange.token, until_s)

    def begin(self, exchange: Exchange, now_s: float) -> None:
        """Send it on a connection that is there, or make one."""
        to = exchange.to
        if to is None:
            self._end(exchange, now_s, FailureKind.PROTOCOL, _NOT_SENT_TO)
            return
        addresses = self._allowed(exchange)
        connection = self._connections.used_again(exchange, addresses, now_s)
        if connection is None:
            self._dial(exchange, addresses, now_s)
        else:
            exchange.reused = True
            self._send(exchange, connection)

    def try_next(self, exchange: Exchange, now_s: float) -> None:
        """Try its next address beside those before it, or because they failed."""
        if not self._dialing.try_next(exchange, now_s):
            self._end(exchange, now_s, FailureKind.CONNECT, exchange.problem)

    def dialled(self, exchange: Exchange, now_s: float, fd: int) -> None:
        """One of its sockets was told of before it was connected."""
        connected = self._dialing.connected(fd, exchange)
        if connected is None:
            if fd not in exchange.trying:
                self.try_next(exchange, now_s)
            return
        self._connected(exchange, now_s, connected)

    def _connected(self, exchange: Exchange, now_s: float, connected: Connected) -> None:
        exchange.connected_s = now_s
        self._go_through(exchange, self._connections.made(connected, exchange, now_s))

    def _go_through(self, exchange: Exchange, connection: Connection) -> None:
        """A connection leads to its endpoint: send, or begin with TLS."""
        if connection.secured:
            self._send(exchange, connection)
        else:
            connection.handshake(b"")
            self._come_back(connection, 0)

    def _allowed(self, exchange: Exchange) -> list[str]:
        """Those of its addresses that a request may be sent to."""
        refuses = self._guard.refusing(exchange.request.granted)
        return [address for address in exchange.request.addresses if refuses(address) is None]

    def _dial(self, exchange: Exchange, addresses: list[str], now_s: float) -> None:
        if not addresses:
            self._end(exchange, now_s, FailureKind.ADDRESS_REFUSED, REFUSED_DETAIL)
        elif not self._dialing.begin(exchange, addresses, now_s):
            self._end(exchange, now_s, FailureKind.CONNECT, exchange.problem)

    def _send(self, exchange: Exchange, connection: Connection) -> None:
        connection.send(exchange.parts)
        self._come_back(connection, 0)

    # ── from connection to answer ────────────────────────────────────────────────────────────────────────────────

    def go_on(self, exchange: Exchange, now_s: float, connection: Connection, what: int) -> None:
        """Its connection may be read, or written."""
        try:
            if not connection.secured:
                self._secure(exchange, now_s, connection)
                self._come_back(connection, what & ENDING)
                return
            if connection.sending:
                connection.go_on()
            received = connection.receive() if what & READABLE else b""
            if not received and what & ENDING:
                received = connection.receive()  # what came before the end may have been a ticket
        except ClosedError:
            self._closed(exchange, now_s, connection)
            return
        except BrokenError as error:
            self._broken(exchange, now_s, connection, error)
            return
        if received:
            if exchange.first_byte_s is None:
                exchange.first_byte_s = now_s
            if exchange.reader.read(received):
                self._over(exchange, now_s, connection, what)
                return
        self._come_back(connection, what & ENDING if received else 0)

    def _come_back(self, connection: Connection, ending: int) -> None:
        """In the next turn, where there may be something to do that nobody tells of."""
        if ending or connection.unfinished:
            self.eager[connection] = ending | select.EPOLLIN

    def _secure(self, exchange: Exchange, now_s: float, connection: Connection) -> None:
        """Go on with the handshake, and send the request behind it."""
        received = connection.receive_raw()
        if received:
            connection.handshake(received)
        if connection.secured:
            exchange.secured_s = now_s
            connection.send(exchange.parts)

    def _over(self, exchange: Exchange, now_s: float, connection: Connection, what: int) -> None:
        """No more of its answer is wanted."""
        reader = exchange.reader
        if not exchange.reused:
            self._connections.learn(connection, now_s)
        if reader.keeps and not (what & ENDING or connection.unfinished or connection.sending):
            exchange.fd = NO_FD
            self._connections.keep(connection, now_s)
        self._end(exchange, now_s, FailureKind.PROTOCOL, "" if reader.wrong is None else reader.wrong.detail)

    def _closed(self, exchange: Exchange, now_s: float, connection: Connection) -> None:
        """Its connection ended in good order."""
        reader = exchange.reader
        if not connection.secured:
            self._connections.distrust(connection)
            self._end(exchange, now_s, FailureKind.TLS, _NO_TLS)
        elif exchange.reused and not reader.begun:
            self._again(exchange, now_s)
        else:
            reader.closed()
            if reader.wrong is None:
                self._end(exchange, now_s, FailureKind.RESET, HEAD_CUT)
            else:
                self._end(exchange, now_s, FailureKind.PROTOCOL, reader.wrong.detail)

    def _broken(self, exchange: Exchange, now_s: float, connection: Connection, error: BrokenError) -> None:
        """Its connection is of no more use."""
        if not connection.secured:
            self._connections.distrust(connection)
            self._end(exchange, now_s, FailureKind.TLS, error.detail)
        elif exchange.reused and error.gone and not exchange.reader.begun:
            self._again(exchange, now_s)
        else:
            self._end(exchange, now_s, error.kind, error.detail)

    def _again(self, exchange: Exchange, now_s: float) -> None:
        """On a new connection: the one it went out on was closed before."""
        self._leave(exchange)
        exchange.reused = False
        self._dial(exchange, self._allowed(exchange), now_s)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def time_out(self, exchange: Exchange, now_s: float) -> None:
        """Its time is over."""
        self._end(exchange, now_s, FailureKind.TIMEOUT, f"no whole answer within {exchange.request.timeout_ms} ms")

    def fail(self, exchange: Exchange, now_s: float, error: Exception) -> None:
        """A bug ended it."""
        elapsed_ms = (now_s - exchange.started_s) * 1_000
        bug = Failure(kind=FailureKind.BUG, detail="", elapsed_ms=elapsed_ms, error=error)
        self.answers.append((exchange.token, bug))
        self.forget(exchange)

    def forget(self, exchange: Exchange) -> None:
        """It is under way no more; its connection, if it still has one, is destroyed."""
        del self.under_way[exchange.token]
        self._deadlines.clear(exchange.token)
        self._leave(exchange)

    def _end(self, exchange: Exchange, now_s: float, kind: FailureKind, detail: str) -> None:
        """With what has come, or this failure where that is no answer."""
        self.answers.append((exchange.token, exchange.ended(kind, detail, now_s)))
        self.forget(exchange)

    def _leave(self, exchange: Exchange) -> None:
        if exchange.trying or exchange.to_try:
            self._dialing.stop(exchange)
        connection = self._connections.of(exchange.fd)
        if connection is not None:
            exchange.fd = NO_FD
            self._connections.destroy(connection)
