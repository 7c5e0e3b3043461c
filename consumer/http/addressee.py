"""Whom a URL names, and the bytes of a request to him. Pure.

The law: a URL that is not written as those that are stored (`webhooks/url.py`) is not sent to: nobody's second reading
decides where a request goes. Its path goes out as it is written.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from consumer.signing.request import Request

_REMEMBERED: Final = 16_384
_PORTS: Final = {"https": 443, "http": 80}
_COPIED_BYTES: Final = 8 * 1024
_OWN_LINES: Final = 4  # two to begin with, the length, and the blank one
_LARGEST_PORT: Final = 65_535
_URL: Final = re.compile(
    r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?)(?::([0-9]{1,5}))?"
    r"([/?][!\"$-~]*)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """An origin and a place there. `origin` is the same for all its URLs, whose connections are shared.

    `name` is the host as a certificate has it, and `begins` a request's first two lines.
    """

    origin: str
    name: str
    port: int
    secure: bool
    begins: str


@lru_cache(maxsize=_REMEMBERED)
def addressee(url: str) -> Addressee | None:
    """Whom this URL names; None where it is none of those that are stored."""
    parts = _URL.fullmatch(url)
    if parts is None:
        return None
    scheme, host, written_port, path = parts.groups(default="")
    usual = _PORTS[scheme]
    port = int(written_port) if written_port else usual
    if not 0 < port <= _LARGEST_PORT:
        return None
    target = path if path.startswith("/") else f"/{path}"
    asked_at = host if port == usual else f"{host}:{port}"
    return Addressee(
        origin=f"{scheme}://{host.lower()}:{port}",
        name=host.strip("[]").rstrip("."),
        port=port,
        secure=scheme == "https",
        begins=f"POST {target} HTTP/1.1\r\nHost: {asked_at}\r\n",
    )


def written(begins: str, request: Request) -> list[memoryview]:
    """The request as it goes out, in its parts. A large body is not copied.

    Raises:
        ValueError: a header's name or value would end its line, or is no text (UnicodeEncodeError).
    """
    headers, body = request.headers, request.body
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    head = f"{begins}{lines}Content-Length: {len(body)}\r\n\r\n"
    if not head.count("\n") == head.count("\r") == len(headers) + _OWN_LINES or "\0" in head:
        raise ValueError("a header of the request has a line break or NUL in it")
    if len(body) <= _COPIED_BYTES:
        return [memoryview(head.encode() + body)]
    return [memoryview(head.encode()), memoryview(body)]
