"""The second engine: libcurl's multi interface, driven by its socket actions (`curl_sockets.py` has the sockets).

The law (beside the port's): an answer is a Response when its head and its whole body, or its first 16 KiB and more,
arrived in time; everything else is a Failure. So a body that breaks off early is no delivery, and one that never
ends is: it is cut, and its connection destroyed.

What is not obvious:
- A transfer's easy handle goes back to a stack and is used again with its options; it is never freed before `close`,
  because libcurl's pooled connections may still point at the handle that opened them.
- What a callback or the reading of an answer raises is a failure of that exchange: it goes to whoever tells of bugs.
- libcurl looks no name up: it is told each request's addresses before (`curl_pins.py`), and opens a socket to no other.
"""

from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Final

import pycurl

from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.http.callbacks import Callbacks
from consumer.http.certificates import system_bundle
from consumer.http.curl_errors import failure
from consumer.http.curl_pins import KEPT_S, Pins
from consumer.http.curl_sockets import Sockets
from consumer.http.exchange import Exchange
from consumer.http.guard import AddressGuard
from consumer.http.transport import Hand, NoHand, Unproxied, addressed
from consumer.signing.request import Request

_EXPECT_FROM_BYTES: Final = 65_536
# libcurl takes a head that ends with the connection for whole, or its body for cut where it has read a length.
_HEAD_CUT: Final[tuple[int, str]] = (
    pycurl.E_GOT_NOTHING,
    "the connection was closed before the response's head was whole",
)


class CurlTransport(Unproxied):
    """libcurl multi behind the Transport port. Owned by one thread."""

    def __init__(
        self,
        guard: AddressGuard,
        *,
        max_connections: int = 2_048,
        ca_file: Path | None = None,
        hand: Hand = NoHand(),  # noqa: B008 # it has no state
    ) -> None:
        """`max_connections`: kept open, idle ones included. `ca_file`: a PEM bundle trusted instead of the system's."""
        self._callbacks = Callbacks(guard, hand)
        self._ca_file = str(ca_file or system_bundle())
        self._pins = Pins()
        self._sockets = Sockets()
        self._due_s: float | None = None
        self._idle: list[Exchange] = []
        self._active: dict[int, Exchange] = {}
        self._by_handle: dict[pycurl.Curl, Exchange] = {}
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._sockets.on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_connections)
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_NOTHING)

    @property
    def in_flight(self) -> int:
        return len(self._active)

    def submit(self, token: int, request: Request) -> None:
        if not self._idle:
            self._idle.append(self._new_exchange())
        exchange = self._idle[-1]  # it stays there should anything of the request be refused
        handle = exchange.handle
        if exchange.url != request.url:
            handle.setopt(pycurl.URL, request.url.encode())
            exchange.url = request.url
        if exchange.timeout_ms != request.timeout_ms:
            handle.setopt(pycurl.TIMEOUT_MS, request.timeout_ms)
            exchange.timeout_ms = request.timeout_ms
        pins = self._pins.lacking(request.url, addressed(request).addresses)
        if pins is not None:
            handle.setopt(pycurl.RESOLVE, pins)
        handle.setopt(pycurl.HTTPHEADER, _header_lines(request))
        handle.setopt(pycurl.POSTFIELDS, request.body)
        exchange.begin(token, monotonic(), request.addresses)
        self._multi.add_handle(handle)
        self._active[token] = self._idle.pop()

    def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
        if self._due_s is not None:
            wait_s = min(wait_s, max(0.0, self._due_s - monotonic()))
        # First the idle connections that turned bad, then what is in flight, and only then new requests go out.
        ready = self._sockets.ready(wait_s)
        for fd, action in ready:
            self._callbacks.take_of(fd)
            self._multi.socket_action(fd, action)
            self._callbacks.let_go()
        acted = bool(ready)
        if self._due_s is not None and self._due_s <= monotonic():
            self._due_s = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)  # every request that was added begins here
            self._pins.told(monotonic())
            self._callbacks.let_go()
            acted = True
        return self._collect() if acted else []

    def cancel(self, token: int) -> None:
        exchange = self._active.pop(token, None)
        if exchange is not None:
            self._multi.remove_handle(exchange.handle)
            self._pins.forget(exchange.url)  # it may not have begun
            self._idle.append(exchange)

    def watch(self, fd: int) -> None:
        self._sockets.watch(fd)

    def close(self) -> None:
        if self._sockets.closed:
            return
        for exchange in self._active.values():
            self._multi.remove_handle(exchange.handle)
        self._active.clear()
        self._multi.close()
        for handle in self._by_handle:
            handle.close()
        self._by_handle.clear()
        self._idle.clear()
        self._sockets.close()

    def _collect(self) -> list[tuple[int, Answer]]:
        """Take finished transfers out of libcurl and turn them into answers."""
        answers: list[tuple[int, Answer]] = []
        now = monotonic()
        more = 1
        while more:
            more, succeeded, failed = self._multi.info_read()
            answers.extend([self._finish(self._by_handle[handle], now, None) for handle in succeeded])
            answers.extend(
                [self._finish(self._by_handle[handle], now, (code, message)) for handle, code, message in failed]
            )
        self._callbacks.let_go()
        return answers

    def _finish(self, exchange: Exchange, now: float, problem: tuple[int, str] | None) -> tuple[int, Answer]:
        self._multi.remove_handle(exchange.handle)
        self._idle.append(exchange)
        del self._active[exchange.token]
        self._callbacks.take(exchange.token)
        error = exchange.error
        if error is None:
            try:
                return exchange.token, _answer(exchange, now, problem)
            except Exception as raised:  # noqa: BLE001 # told by whoever hears the answer
                error = raised
        elapsed_ms = exchange.elapsed_ms(now)
        return exchange.token, Failure(kind=FailureKind.BUG, detail="", elapsed_ms=elapsed_ms, error=error)

    def _new_exchange(self) -> Exchange:
        handle = pycurl.Curl()
        exchange = Exchange(handle)
        for option, value in _OPTIONS:
            handle.setopt(option, value)
        handle.setopt(pycurl.CAINFO, self._ca_file)
        self._callbacks.hang_on(exchange)
        self._by_handle[handle] = exchange
        return exchange

    def _on_timer(self, timeout_ms: int) -> None:
        if timeout_ms < 0:
            self._due_s = None
        else:
            self._due_s = monotonic() + timeout_ms / 1_000 if timeout_ms else 0.0


_OPTIONS: Final = (
    (pycurl.POST, 1),
    (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
    (pycurl.FOLLOWLOCATION, 0),
    (pycurl.NOSIGNAL, 1),
    (pycurl.TCP_NODELAY, 1),
    (pycurl.PROXY, ""),  # and none from the environment
    (pycurl.USERAGENT, ""),  # none: the request says who we are
    (pycurl.PATH_AS_IS, 1),
    (pycurl.HTTP_TRANSFER_DECODING, 0),  # chunks come as they were sent: what frames them is counted
    (pycurl.DNS_CACHE_TIMEOUT, KEPT_S),
    (pycurl.SSL_VERIFYPEER, 1),
    (pycurl.SSL_VERIFYHOST, 2),
)


def _answer(exchange: Exchange, now: float, problem: tuple[int, str] | None) -> Answer:
    if exchange.kept_all_it_keeps or problem is None:
        response = exchange.response(now)
        if response is not None:
            return response
    if problem is None or (problem[0] == pycurl.E_PARTIAL_FILE and exchange.is_in_head):
        problem = _HEAD_CUT
    elapsed_ms = exchange.elapsed_ms(now)
    return exchange.refusal(elapsed_ms) or failure(*problem, elapsed_ms, exchange.timing())


def _header_lines(request: Request) -> list[str] | list[bytes]:
    # libcurl reads "Name:" as "send no such header" and "Name;" as the header with an empty value.
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in request.headers]
    if len(request.body) >= _EXPECT_FROM_BYTES:
        lines.append("Expect:")
    if all(map(str.isascii, lines)):
        return lines
    return [line.encode() for line in lines]
