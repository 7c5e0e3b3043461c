"""The admin port's HTTP: one small request and its answer on a connection, which then ends.

The laws: whoever connects has `HEAD_S` to ask and `READ_S` to read, so nobody keeps a place; there are `MOST` places,
and who comes then takes that of the connection that is there longest; nothing that is sent makes an answer cost more
than a scrape does, for what is answered is made once a moment at most (`answering.py`).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

HEAD_BYTES: Final = 8_192
HEAD_S: Final = 5.0
READ_S: Final = 10.0
MOST: Final = 32

_END: Final = b"\r\n\r\n"
_REQUEST_LINE_PARTS: Final = 3
_ALLOWED: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is looked at of a request. `accept` is that header, "" where there is none."""

    path: str
    accept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer, whole."""

    body: bytes
    content_type: str = "application/json"
    status: HTTPStatus = HTTPStatus.OK


Answer = Callable[[Asked], Answered]


class Door:
    """The connections of one event loop."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self._connections: OrderedDict[Connection, None] = OrderedDict()

    def connection(self) -> "Connection":
        """The protocol of one more."""
        return Connection(self)

    def came(self, connection: "Connection") -> None:
        """A connection has come."""
        if len(self._connections) >= MOST:
            next(iter(self._connections)).cut()
        self._connections[connection] = None

    def went(self, connection: "Connection") -> None:
        """A connection has ended."""
        self._connections.pop(connection, None)


class Connection(asyncio.Protocol):
    """One connection, for one request."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._head = bytearray()
        self._transport: asyncio.Transport | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection was made: it may ask now."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._within(HEAD_S)
        self._door.came(self)

    def data_received(self, data: bytes) -> None:
        """A part of the head. What follows it is looked at by nobody."""
        if self._answered:
            return
        self._head += data
        if _END in self._head[:HEAD_BYTES]:
            self._tell(self._reply(bytes(self._head.partition(_END)[0])))
        elif len(self._head) >= HEAD_BYTES:
            self._tell(_refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        del exc
        if self._limit is not None:
            self._limit.cancel()
        self._door.went(self)

    def cut(self) -> None:
        """End it at once."""
        self._door.went(self)
        if self._transport is not None:
            self._transport.abort()

    def _reply(self, head: bytes) -> bytes:
        request, *lines = head.decode("latin-1").split("\r\n")
        parts = request.split(" ")
        if len(parts) != _REQUEST_LINE_PARTS or not parts[2].startswith("HTTP/1."):
            return _refusal(HTTPStatus.BAD_REQUEST)
        method, target, _ = parts
        if method not in _ALLOWED:
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED)
        answered = self._door.answer(Asked(path=target.partition("?")[0], accept=_header(lines, "accept")))
        return _encoded(answered, with_body=method != "HEAD")

    def _tell(self, encoded: bytes) -> None:
        assert self._transport is not None
        self._answered = True
        self._head.clear()
        self._within(READ_S)
        self._transport.write(encoded)
        self._transport.close()  # when all of it is sent

    def _within(self, seconds: float) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._limit = asyncio.get_running_loop().call_later(seconds, self.cut)


def _header(lines: list[str], name: str) -> str:
    found = [value.strip() for each, colon, value in (line.partition(":") for line in lines) if each.lower() == name]
    return ",".join(found)


def _refusal(status: HTTPStatus) -> bytes:
    return _encoded(Answered(body=f"{status.phrase}\n".encode(), content_type="text/plain", status=status))


def _encoded(answered: Answered, *, with_body: bool = True) -> bytes:
    status = answered.status
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {answered.content_type}\r\n"
        f"Content-Length: {len(answered.body)}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    return head + answered.body if with_body else head
