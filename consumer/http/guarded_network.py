"""The network under the portable engine: checks a request's addresses, and connects to one of those.

The law: no byte goes to an address that the guard refuses, no byte that came behind one answer is taken for the
beginning of the next. Heads are for `head.py` to read: httpcore sees of one what finding the body's end takes. What
frames chunks is counted (`chunks.py`).
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Final

import anyio
import h11
import httpcore

from consumer.http.chunks import ChunkReader
from consumer.http.guard import AddressGuard
from consumer.http.head import Head, HeadReader, Malformed
from consumer.http.transport import MAX_HEAD_BYTES

addresses_of: Final[ContextVar[tuple[str, ...]]] = ContextVar("addresses_of")
"""Of the request that the running task sends: httpcore connects in the task that asks it for a connection."""

_NEXT_AFTER_S: Final = 0.25  # RFC 8305 section 5: an address that does not answer for so long is not waited for alone
_SocketOptions = Iterable[httpcore.SOCKET_OPTION]

_ASKED: Final = h11.Request(method="POST", target="/", headers=[("host", "endpoint"), ("content-length", "0")])


class AddressRefusedError(Exception):
    """Every address of the host is refused by the guard."""


class TlsFailedError(Exception):
    """The TLS handshake failed; the message says how."""


class MalformedError(Exception):
    """The head, or what frames the body, is not of HTTP/1.1; the message says why."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects like httpcore's own network, to those of the request's addresses that the guard lets through."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: _SocketOptions | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Try the request's addresses in order; the host's name is not looked at.

        Raises:
            AddressRefusedError: none of them may be connected to.
            httpcore.ConnectError: none of those that may be answers.
        """
        del host

        async def connect(address: str) -> GuardedStream:
            stream = await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            return GuardedStream(stream, address, self._guard)

        allowed = [address for address in addresses_of.get() if self._guard.refuses(address) is None]
        if not allowed:
            raise AddressRefusedError
        return await _first(allowed, connect)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def _first(addresses: Sequence[str], connect: Callable[[str], Awaitable["GuardedStream"]]) -> "GuardedStream":
    """The first connection that is made. The next address is tried when the one before fails, or takes its time."""
    made: list[GuardedStream] = []
    failed: list[httpcore.ConnectError] = []
    in_time = False
    try:
        async with anyio.create_task_group() as group:

            async def attempt(address: str, over: anyio.Event) -> None:
                try:
                    made.append(await connect(address))
                    group.cancel_scope.cancel()
                except httpcore.ConnectError as error:
                    failed.append(error)
                over.set()

            for address in addresses:
                over = anyio.Event()
                group.start_soon(attempt, address, over)
                with anyio.move_on_after(_NEXT_AFTER_S):
                    await over.wait()
        in_time = True
    finally:
        with anyio.CancelScope(shield=True):
            for unused in made[1:] if in_time else made:
                await unused.aclose()
    if not made:
        raise failed[-1]
    return made[0]


class GuardedStream(httpcore.AsyncNetworkStream):
    """A connection that is checked before each request, reads heads, and knows when bytes came behind an answer."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, address: str, guard: AddressGuard) -> None:
        self._inner = inner
        self._address = address
        self._guard = guard
        self._answer: h11.Connection | None = None
        self._surplus = False
        self._head = HeadReader()
        self._line = bytearray()
        self._chunks: ChunkReader | None = None

    @property
    def head(self) -> Head:
        """The answer's, when httpcore has one."""
        if not isinstance(self._head.found, Head):
            raise TypeError("httpcore took an answer whose head was not read")
        return self._head.found

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        in_head = self._head.found is None
        if in_head:
            chunk = await self._first(max_bytes, timeout)
        else:
            chunk = await self._received(max_bytes, timeout)
            self._count(chunk)
        if chunk:
            self._follow(chunk)
        return chunk

    async def _first(self, max_bytes: int, timeout: float | None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """The head, as httpcore is to see it, and what came with its end."""
        while chunk := await self._received(max_bytes, timeout):
            behind = self._behind_head(chunk)
            match self._head.found:
                case Malformed(detail=detail):
                    raise MalformedError(detail)
                case Head() as head:
                    self._chunks = ChunkReader() if head.chunked else None
                    self._count(behind)
                    return head.framing + behind
                case None:
                    pass
        raise httpcore.ReadError("the connection was closed before the response's head was whole")

    def _count(self, framed: bytes) -> None:
        """Of chunks, what frames them."""
        if self._chunks is not None:
            self._chunks.read(framed)
            if self._chunks.wrong is not None:
                raise MalformedError(self._chunks.wrong.detail)

    async def _received(self, max_bytes: int, timeout: float | None) -> bytes:  # noqa: ASYNC109 - httpcore's
        try:
            return await self._inner.read(max_bytes, timeout)
        except ssl.SSLError as error:  # bytes that are no TLS, after the handshake: anyio lets OpenSSL's error through
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        if self._guard.refuses(self._address) is not None:
            raise AddressRefusedError
        self._answer = None
        self._head.begin()
        self._line.clear()
        self._chunks = None
        try:
            await self._inner.write(buffer, timeout)
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
    ) -> httpcore.AsyncNetworkStream:
        try:
            inner = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except httpcore.ConnectError as error:
            raise TlsFailedError(str(error) or "the connection was closed in the handshake") from error
        except asyncio.CancelledError:
            await self._inner.aclose()  # httpcore closes after errors only, and the deadline is none
            raise
        return GuardedStream(inner, self._address, self._guard)

    def get_extra_info(self, info: str) -> object:
        """What httpcore asks; a connection that has surplus bytes says it is readable, so that none uses it again."""
        if info == "is_readable" and (self._surplus or _is_readable(self._inner.get_extra_info("ssl_object"))):
            return True
        return self._inner.get_extra_info(info)

    def _behind_head(self, chunk: bytes) -> bytes:
        """Read the head's lines, as far as it goes; what is left is the body's."""
        start = 0
        while self._head.found is None and start < len(chunk):
            end = chunk.find(b"\n", start) + 1 or len(chunk)
            self._line += chunk[start:end]
            start = end
            whole = self._line.endswith(b"\n") or len(self._line) > MAX_HEAD_BYTES
            if whole or not self._head.may_become_line(self._line):
                self._head.line(bytes(self._line))
                self._line.clear()
        return chunk[start:]

    def _follow(self, chunk: bytes) -> None:
        """Read along, to see whether the answer ends where the bytes end: httpcore would keep the rest for the next."""
        if self._answer is None:
            self._answer = h11.Connection(h11.CLIENT, max_incomplete_event_size=2 * MAX_HEAD_BYTES)
            self._answer.send(_ASKED)
            self._answer.send(h11.EndOfMessage())
        try:
            self._answer.receive_data(chunk)
            while self._answer.next_event() not in (h11.NEED_DATA, h11.PAUSED):
                if self._answer.their_state is h11.DONE:
                    break
        except h11.RemoteProtocolError:
            self._surplus = True  # httpcore refuses these bytes too and gives the failure its name
            return
        self._surplus = self._answer.their_state is h11.DONE and bool(self._answer.trailing_data[0])


def _is_readable(tls: object) -> bool:
    """Whether TLS has something that was not asked for: it came off the socket with the answer, in a record behind it.

    Looking takes a byte of it away, so the connection is of no more use then.
    """
    if not isinstance(tls, ssl.SSLObject):
        return False
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True
