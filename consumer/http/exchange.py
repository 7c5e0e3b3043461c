"""One request and its answer inside the curl engine: what libcurl's callbacks gather, and the answer made of it.

The law: an exchange keeps at most MAX_HEAD_BYTES of heads, interim ones included, and MAX_BODY_BYTES of body, whatever
the server sends. What the head says is for `head.py` alone, which is stricter than libcurl; what is body among chunks,
for `chunks.py`. Where the body ends is libcurl's to say.
"""

from typing import Final

import pycurl

from consumer.delivery.answer import UNTIMED, Failure, FailureKind, Response, Timing
from consumer.delivery.names import REFUSED_DETAIL
from consumer.http.chunks import ChunkReader
from consumer.http.head import Head, HeadReader, Malformed
from consumer.http.transport import DRAIN_BYTES, MAX_BODY_BYTES

_REFUSE: Final = 0


class Exchange:
    """An easy handle with the state of its current request. Used again for one request after the other."""

    __slots__ = (
        "_body",
        "_body_bytes",
        "_chunks",
        "_head",
        "_started_s",
        "address_refused",
        "address_tried",
        "addresses",
        "error",
        "handle",
        "opened",
        "timeout_ms",
        "token",
        "url",
    )

    def __init__(self, handle: pycurl.Curl) -> None:
        self.handle = handle
        self.url = ""
        self.timeout_ms = 0
        self._head = HeadReader()
        self.begin(0, 0.0, ())

    def begin(self, token: int, now_s: float, addresses: tuple[str, ...]) -> None:
        self.token = token
        self.addresses = addresses  # the only ones that may be connected to
        self.address_refused = False
        self.address_tried = False
        self.opened: list[int] = []  # the sockets that were opened for it
        self.error: Exception | None = None  # what a callback raised
        self._started_s = now_s
        self._head.begin()
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._chunks: ChunkReader | None = None

    def on_header(self, line: bytes) -> int | None:
        """One line of a head. One without its end is what the connection broke off with: no line."""
        return None if not line.endswith(b"\n") or self._head.line(line) else _REFUSE

    def on_body(self, received: bytes) -> int | None:
        """A part of the body, as it is framed."""
        wrong = None
        if isinstance(self._head.found, Head) and self._head.found.chunked:
            chunks = self._chunks = self._chunks or ChunkReader()
            received, wrong = chunks.read(received), chunks.wrong
        before = self._body_bytes
        self._body_bytes = before + len(received)
        if before < MAX_BODY_BYTES:
            self._body.append(received)
        return _REFUSE if wrong is not None or self._body_bytes > DRAIN_BYTES else None

    @property
    def kept_all_it_keeps(self) -> bool:
        """There is more body than is ever kept: how the rest fares changes nothing."""
        return self._body_bytes > MAX_BODY_BYTES

    @property
    def is_in_head(self) -> bool:
        """Nothing more than a part of the head has come."""
        return self._head.found is None

    def elapsed_ms(self, now_s: float) -> float:
        return (now_s - self._started_s) * 1_000

    def timing(self) -> Timing:
        """Where its time went, as libcurl measured it from the request's begin (curl_easy_getinfo(3), "TIMES")."""
        told = self.handle.getinfo
        first_byte_us = told(pycurl.STARTTRANSFER_TIME_T)
        connected_us = told(pycurl.CONNECT_TIME_T) if self.opened else 0
        if not connected_us:
            return Timing(first_byte_ms=first_byte_us / 1_000) if first_byte_us else UNTIMED
        secured_us = told(pycurl.APPCONNECT_TIME_T)
        return Timing(
            connect_ms=connected_us / 1_000,
            tls_ms=(secured_us - connected_us) / 1_000 if secured_us else None,
            first_byte_ms=first_byte_us / 1_000 if first_byte_us else None,
        )

    def refusal(self, elapsed_ms: float) -> Failure | None:
        """The failure that we caused, if we did."""
        if self.address_refused:
            return Failure(kind=FailureKind.ADDRESS_REFUSED, detail=REFUSED_DETAIL, elapsed_ms=elapsed_ms)
        wrong = self._head.found if self._chunks is None else self._chunks.wrong
        if isinstance(wrong, Malformed):
            return Failure(kind=FailureKind.PROTOCOL, detail=wrong.detail, elapsed_ms=elapsed_ms)
        return None

    def response(self, now_s: float) -> Response | None:
        """The answer as it stands; None while its head is not whole, or where it has none."""
        head = self._head.found
        if not isinstance(head, Head):
            return None
        return Response(
            status=head.status,
            headers=head.headers,
            body=b"".join(self._body)[:MAX_BODY_BYTES],
            body_truncated=self._body_bytes > MAX_BODY_BYTES,
            elapsed_ms=self.elapsed_ms(now_s),
            timing=self.timing(),
        )
