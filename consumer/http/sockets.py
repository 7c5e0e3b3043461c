"""The default engine: non-blocking sockets on one epoll, without a thread or a library of its own.

The laws (beside the port's):
- an answer is a Response when its head and its whole body, or its first 16 KiB and more, arrived in time; everything
  else is a Failure. So a body that breaks off early is no delivery, and one that never ends is: it is cut, and its
  connection destroyed;
- a request is sent again, once and on a new connection, where one that carried others before closed without a byte of
  an answer: its server closed it for having been idle, at the moment when we sent. Never else;
- a turn gives each connection that has something to do one read of 16 KiB and one write of 256 KiB, so that a fast
  endpoint holds up nobody.

    submit ─► fresh ─┬─► an idle connection ───────────────────────┐
                     └─► dialing ─► connected ─► TLS's handshake ──┴─► sent ─► read ─► answered ─► idle, or closed

What is not obvious:
- requests go out after epoll was asked, not when they are submitted: an idle connection that was closed meanwhile is
  out of the pool by then;
- sockets are registered once, edge-triggered, for everything. What was told and not looked at is told no more: it
  stands in `Course.eager` until it was;
- descriptors are given again by the kernel within a turn. So what is told of one may have been meant for another, and
  everything here bears looking at a socket for nothing.
"""

import select
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Final, TypeVarTuple

from consumer.delivery.answer import Answer
from consumer.http.connection import Connection
from consumer.http.connections import Connections
from consumer.http.course import Course
from consumer.http.dialing import Dialing
from consumer.http.guard import AddressGuard
from consumer.http.head_cache import HeadCache
from consumer.http.proxied_course import ProxiedCourse
from consumer.http.proxy import Proxy
from consumer.http.socket_exchange import Exchange
from consumer.http.transport import Hand, NoHand, addressed
from consumer.signing.request import Request

Ts = TypeVarTuple("Ts")

_EVENTS_A_TURN: Final = 512
_NONE: Final = -1  # no token


class SocketsTransport:
    """Sockets behind the Transport port. Owned by one thread."""

    def __init__(
        self,
        guard: AddressGuard,
        *,
        max_connections: int = 2_048,
        ca_file: Path | None = None,
        hand: Hand = NoHand(),  # noqa: B008 # it has no state
        proxy: Proxy | None = None,
    ) -> None:
        """`max_connections`: kept open, idle ones included. `ca_file`: a PEM bundle trusted instead of the system's.

        Every request leaves through `proxy`, where there is one.
        """
        self._hand = hand
        self._in_hand = _NONE
        self._epoll = select.epoll()
        self._connections = Connections(max_connections, ca_file)
        self._heads = HeadCache()
        dialing = Dialing(self._epoll, self._connections.make_room)
        self._course = (
            Course(guard, self._connections, dialing)
            if proxy is None
            else ProxiedCourse(guard, self._connections, dialing, proxy, self._heads)
        )
        self._fresh: list[Exchange] = []

    @property
    def in_flight(self) -> int:
        return self._course.in_flight

    def submit(self, token: int, request: Request) -> None:
        now_s = monotonic()
        exchange = Exchange(token, addressed(request), self._heads, now_s)
        self._course.enter(exchange, now_s + request.timeout_ms / 1_000)
        self._fresh.append(exchange)

    def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
        self._turn(0 if self._fresh else self._patience_s(wait_s))
        if self._fresh:
            self._start()
            if not self._course.answers:
                self._turn(self._patience_s(wait_s))
        return self._course.take_answers()

    @property
    def fd(self) -> int:
        """Readable when there is something to do: for an engine that this one works beside."""
        return self._epoll.fileno()

    def patience_s(self, wait_s: float) -> float:
        """How long who waits for `fd` and for something else may wait before the next `poll`: `wait_s` at most."""
        return 0.0 if self._fresh else self._patience_s(wait_s)

    def unsent(self) -> Sequence[int]:
        if not self._course.unsent:
            return ()
        unsent, self._course.unsent = self._course.unsent, []
        return unsent

    @property
    def open(self) -> bool:
        return self._course.open

    def cancel(self, token: int) -> None:
        exchange = self._course.under_way.get(token)
        if exchange is not None:
            self._course.forget(exchange)

    def watch(self, fd: int) -> None:
        self._epoll.register(fd, select.EPOLLIN)

    def close(self) -> None:
        if self._epoll.closed:
            return
        for token in list(self._course.under_way):
            self.cancel(token)
        self._course.close()
        self._connections.close()
        self._epoll.close()

    # ── one turn ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _patience_s(self, wait_s: float) -> float:
        """How long may be waited: not while there is something to do, and no longer than to the next deadline."""
        if self._course.eager:
            return 0
        next_s = self._course.next_s
        return wait_s if next_s is None else min(wait_s, max(0.0, next_s - monotonic()))

    def _turn(self, wait_s: float) -> None:
        """Do what became possible, and end what is over."""
        course, connection_of = self._course, self._connections.of
        eager, course.eager = course.eager, {}
        events = self._epoll.poll(wait_s, _EVENTS_A_TURN)
        now_s = monotonic()
        for fd, what in events:
            connection = connection_of(fd)
            if connection is not None:
                self._told(connection, what | eager.pop(connection, 0), now_s)
            elif (dialled := course.dialled_for(fd)) is not None:
                self._within(dialled, now_s, course.dialled, fd)
        for connection, what in eager.items():
            if connection_of(connection.fd) is connection:
                self._told(connection, what, now_s)
        for exchange in course.overdue(now_s):
            self._within(exchange, now_s, course.time_out)
        for exchange in course.impatient(now_s):
            self._within(exchange, now_s, course.try_next)
        for exchange in course.look(now_s):
            self._within(exchange, now_s, course.begin)
        self._connections.expire(now_s)
        self._let_go()

    def _start(self) -> None:
        """Send what was submitted."""
        now_s = monotonic()
        fresh, self._fresh = self._fresh, []
        for exchange in fresh:
            if self._course.under_way.get(exchange.token) is exchange:
                self._within(exchange, now_s, self._course.begin)
        self._let_go()

    def _told(self, connection: Connection, what: int, now_s: float) -> None:
        """A connection may be read, or written."""
        exchange = connection.exchange
        if exchange is None:
            self._let_go()
            self._connections.told_while_idle(connection, what)
        else:
            self._within(exchange, now_s, self._course.go_on, connection, what)

    def _within(
        self, exchange: Exchange, now_s: float, act: Callable[[Exchange, float, *Ts], None], *given: *Ts
    ) -> None:
        """Act for this request, which is in hand meanwhile. What is raised is a bug, and fails this request alone."""
        token = exchange.token
        if self._in_hand != token:
            self._in_hand = token
            self._hand.take(token)
        try:
            act(exchange, now_s, *given)
        except Exception as error:  # noqa: BLE001 # told by whoever hears the answer
            self._course.fail(exchange, now_s, error)

    def _let_go(self) -> None:
        if self._in_hand != _NONE:
            self._in_hand = _NONE
            self._hand.let_go()
