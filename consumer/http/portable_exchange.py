"""One request and its answer in the portable engine, and httpcore's errors as kinds of failure.

A request is ended by its cancel scope, never by its task's `cancel`: httpcore gives a connection's place back under
anyio's shield, which asyncio's own cancellation passes through, and the place would be taken for ever.
"""

from contextlib import aclosing
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

import anyio
import httpcore
import httpx

from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.delivery.names import REFUSED_DETAIL
from consumer.http.guarded_network import (
    AddressRefusedError,
    GuardedStream,
    MalformedError,
    TlsFailedError,
    addresses_of,
)
from consumer.http.head import Head
from consumer.http.transport import DRAIN_BYTES, MAX_BODY_BYTES
from consumer.signing.request import Request
from consumer.telemetry.printable import printable

_Problem = tuple[FailureKind, str]


class Attempt:
    """One request on its way, what of its answer has arrived so far, and the scope that may end it."""

    def __init__(self, pool: httpcore.AsyncConnectionPool, request: Request, started_s: float) -> None:
        """`started_s` is when the request's total timeout began (monotonic)."""
        self._pool = pool
        self._request = request
        self._started_s = started_s
        self._scope: anyio.CancelScope | None = None
        self._given_up = False
        self._head: Head | None = None
        self._body = bytearray()
        self._body_bytes = 0

    def give_up(self) -> None:
        """End it: what `answer` returns is of no meaning then."""
        self._given_up = True
        if self._scope is not None:
            self._scope.cancel()

    async def answer(self) -> Answer:
        """Send the request and gather its answer."""
        problem: _Problem | None = None
        left_s = self._request.timeout_ms / 1_000 - (monotonic() - self._started_s)
        scope = self._scope = anyio.CancelScope(deadline=anyio.current_time() + left_s)
        if self._given_up:
            scope.cancel()
        try:
            with scope:
                await self._exchange()
            if scope.cancelled_caught:
                problem = (FailureKind.TIMEOUT, f"no whole answer within {self._request.timeout_ms} ms")
        except (
            AddressRefusedError,
            TlsFailedError,
            MalformedError,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
            httpx.InvalidURL,
        ) as error:
            problem = _problem(error)
        elapsed_ms = (monotonic() - self._started_s) * 1_000
        if problem is not None and self._body_bytes <= MAX_BODY_BYTES:
            kind, detail = problem
            return Failure(kind=kind, detail=detail, elapsed_ms=elapsed_ms)
        head = self._head
        assert head is not None  # it came: what comes in its stead is a problem
        return Response(
            status=head.status,
            headers=head.headers,
            body=bytes(self._body),
            body_truncated=self._body_bytes > MAX_BODY_BYTES,
            elapsed_ms=elapsed_ms,
        )

    async def _exchange(self) -> None:
        request = self._request
        # httpx writes Host and Content-Length as HTTP wants them, and reads the URL; but the path goes out as it is
        # written (RFC 3986 section 6.2.2.3 would have /a/../b mean /b, and the two engines disagree).
        composed = httpx.Request(
            "POST",
            request.url,
            headers=[(name.encode("ascii"), value.encode()) for name, value in request.headers],
            content=request.body,
        )
        url = httpcore.URL(
            scheme=composed.url.raw_scheme,
            host=composed.url.raw_host,
            port=composed.url.port,
            target=_target(request.url),
        )
        sent = httpcore.Request("POST", url, headers=composed.headers.raw, content=request.body)
        addresses_of.set(request.addresses)
        async with aclosing(await self._pool.handle_async_request(sent)) as response:
            stream = response.extensions["network_stream"]
            assert isinstance(stream, GuardedStream)
            self._head = stream.head
            async for chunk in response.aiter_stream():
                self._body_bytes += len(chunk)
                self._body += chunk[: MAX_BODY_BYTES - len(self._body)]
                if self._body_bytes > DRAIN_BYTES:
                    return


def _target(url: str) -> bytes:
    """The path and query of a stored URL, which is ASCII."""
    parts = urlsplit(url)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}".encode()


def _problem(error: BaseException) -> _Problem:
    kind, said = next((kind, said) for family, kind, said in _FAMILIES if isinstance(error, family))
    return kind, said or printable(str(error)) or type(error).__name__


# The first family an error belongs to decides; a detail given here replaces the library's words.
_FAMILIES: Final[tuple[tuple[type[BaseException], FailureKind, str], ...]] = (
    (AddressRefusedError, FailureKind.ADDRESS_REFUSED, REFUSED_DETAIL),
    (TlsFailedError, FailureKind.TLS, ""),
    (httpcore.ConnectError, FailureKind.CONNECT, ""),
    (httpcore.NetworkError, FailureKind.RESET, ""),
    (Exception, FailureKind.PROTOCOL, ""),
)
