"""One request and its answer in the portable engine, and httpcore's errors as kinds of failure."""

import asyncio
from contextlib import aclosing
from time import monotonic
from typing import Final

import httpcore
import httpx

from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.http.guard import REFUSED_DETAIL
from consumer.http.guarded_network import AddressRefusedError, NameUnknownError, TlsFailedError
from consumer.http.transport import DRAIN_BYTES, MAX_BODY_BYTES, MAX_HEAD_BYTES
from consumer.signing.request import Request

_Problem = tuple[FailureKind, str]


class _HeadTooLargeError(Exception):
    """The response's head is larger than MAX_HEAD_BYTES."""


class _Gathered:
    """What of the answer has arrived so far."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body = bytearray()
        self.body_bytes = 0


async def attempt(pool: httpcore.AsyncConnectionPool, request: Request, started_s: float) -> Answer:
    """Send the request and gather its answer; `started_s` is when its total timeout began (monotonic)."""
    gathered = _Gathered()
    remaining_s = request.timeout_ms / 1_000 - (monotonic() - started_s)
    problem: _Problem | None = None
    try:
        async with asyncio.timeout(remaining_s):
            await _exchange(pool, request, gathered)
    except (
        TimeoutError,
        AddressRefusedError,
        NameUnknownError,
        TlsFailedError,
        _HeadTooLargeError,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
        httpx.InvalidURL,
    ) as error:
        problem = _problem(error, request.timeout_ms)
    elapsed_ms = (monotonic() - started_s) * 1_000
    if problem is not None and gathered.body_bytes <= MAX_BODY_BYTES:
        kind, detail = problem
        return Failure(kind=kind, detail=detail, elapsed_ms=elapsed_ms)
    return Response(
        status=gathered.status,
        headers=gathered.headers,
        body=bytes(gathered.body),
        body_truncated=gathered.body_bytes > MAX_BODY_BYTES,
        elapsed_ms=elapsed_ms,
    )


async def _exchange(pool: httpcore.AsyncConnectionPool, request: Request, gathered: _Gathered) -> None:
    # httpx writes Host and Content-Length as HTTP wants them, and reads the URL.
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
        target=composed.url.raw_path,
    )
    sent = httpcore.Request("POST", url, headers=composed.headers.raw, content=request.body)
    async with aclosing(await pool.handle_async_request(sent)) as response:
        if sum(len(name) + len(value) for name, value in response.headers) > MAX_HEAD_BYTES:
            raise _HeadTooLargeError
        gathered.status = response.status
        gathered.headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
        async for chunk in response.aiter_stream():
            gathered.body_bytes += len(chunk)
            gathered.body += chunk[: MAX_BODY_BYTES - len(gathered.body)]
            if gathered.body_bytes > DRAIN_BYTES:
                return


def _problem(error: BaseException, timeout_ms: int) -> _Problem:
    kind, said = next((kind, said) for family, kind, said in _FAMILIES if isinstance(error, family))
    return kind, said.format(timeout_ms) or str(error) or type(error).__name__


# The first family an error belongs to decides; a detail given here replaces the library's words.
_FAMILIES: Final[tuple[tuple[type[BaseException], FailureKind, str], ...]] = (
    (AddressRefusedError, FailureKind.ADDRESS_REFUSED, REFUSED_DETAIL),
    (TimeoutError, FailureKind.TIMEOUT, "no whole answer within {} ms"),
    (NameUnknownError, FailureKind.DNS, ""),
    (TlsFailedError, FailureKind.TLS, ""),
    (httpcore.ConnectError, FailureKind.CONNECT, ""),
    (httpcore.NetworkError, FailureKind.RESET, ""),
    (_HeadTooLargeError, FailureKind.PROTOCOL, f"response headers larger than {MAX_HEAD_BYTES} bytes"),
    (Exception, FailureKind.PROTOCOL, ""),
)
