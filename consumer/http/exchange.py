"""One request and its answer inside the curl engine: what libcurl's callbacks gather, and the answer made of it.

The law: an exchange keeps at most MAX_HEAD_BYTES of heads, interim ones included, and MAX_BODY_BYTES of body, whatever
the server sends.
"""

from functools import lru_cache
from typing import Final

import pycurl

from consumer.delivery.answer import Failure, FailureKind, Response
from consumer.http.guard import REFUSED_DETAIL
from consumer.http.transport import DRAIN_BYTES, MAX_BODY_BYTES, MAX_HEAD_BYTES

_CACHED_LINE_BYTES: Final = 128
_REFUSE: Final = 0


class Exchange:
    """An easy handle with the state of its current request. Used again for one request after the other."""

    __slots__ = (
        "_body",
        "_body_bytes",
        "_head",
        "_head_bytes",
        "_started_s",
        "address_refused",
        "address_tried",
        "handle",
        "timeout_ms",
        "token",
        "url",
    )

    def __init__(self, handle: pycurl.Curl) -> None:
        self.handle = handle
        self.url = ""
        self.timeout_ms = 0
        self.begin(0, 0.0)

    def begin(self, token: int, now_s: float) -> None:
        self.token = token
        self.address_refused = False
        self.address_tried = False
        self._started_s = now_s
        self._head: list[bytes] = []
        self._head_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0

    def on_header(self, line: bytes) -> int | None:
        """One line of a head or a trailer. A status line begins the next head: interim answers are not kept."""
        self._head_bytes += len(line)
        if self._head_bytes > MAX_HEAD_BYTES:
            return _REFUSE
        if line.startswith(b"HTTP/"):
            self._head.clear()
        self._head.append(line)
        return None

    def on_body(self, chunk: bytes) -> int | None:
        before = self._body_bytes
        self._body_bytes = before + len(chunk)
        if before < MAX_BODY_BYTES:
            self._body.append(chunk)
        return _REFUSE if self._body_bytes > DRAIN_BYTES else None

    @property
    def kept_all_it_keeps(self) -> bool:
        """There is more body than is ever kept: how the rest fares changes nothing."""
        return self._body_bytes > MAX_BODY_BYTES

    @property
    def head_is_whole(self) -> bool:
        """The blank line has come. It is the last line, but for trailers."""
        return any(line in _BLANK for line in reversed(self._head))

    def elapsed_ms(self, now_s: float) -> float:
        return (now_s - self._started_s) * 1_000

    def refusal(self, elapsed_ms: float) -> Failure | None:
        """The failure that we caused, if we did."""
        if self.address_refused:
            return Failure(kind=FailureKind.ADDRESS_REFUSED, detail=REFUSED_DETAIL, elapsed_ms=elapsed_ms)
        if self._head_bytes > MAX_HEAD_BYTES:
            detail = f"response headers larger than {MAX_HEAD_BYTES} bytes"
            return Failure(kind=FailureKind.PROTOCOL, detail=detail, elapsed_ms=elapsed_ms)
        return None

    def response(self, now_s: float) -> Response:
        """The answer as it stands. The head must be complete: libcurl has checked its status line."""
        headers = []
        for line in self._head[1:]:
            if line in _BLANK:
                break  # trailers follow
            headers.append(_cached_header(line) if len(line) <= _CACHED_LINE_BYTES else _header(line))
        return Response(
            status=int(self._head[0].split(None, 2)[1]),
            headers=tuple(headers),
            body=b"".join(self._body)[:MAX_BODY_BYTES],
            body_truncated=self._body_bytes > MAX_BODY_BYTES,
            elapsed_ms=self.elapsed_ms(now_s),
        )


_BLANK: Final = frozenset({b"\r\n", b"\n"})


def _header(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    return name.strip(), value.strip()


# The same endpoint sends the same lines, all but the date.
_cached_header = lru_cache(maxsize=2_048)(_header)
