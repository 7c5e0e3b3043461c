"""What is no HTTP request, on a real socket: a problem document all the same."""

import json
import socket
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from consumer.api.protocol import HEAD_BYTES
from consumer.api.server import Server


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"half", "more_body": False})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    with Server(application, listener, drain_s=1):
        yield listener.getsockname()[1]


def said(port: int, sent: bytes) -> bytes:
    """All that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET /" + b"a" * (HEAD_BYTES + 1) + b" HTTP/1.1\r\nHost: a\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
def test_what_cannot_be_read_is_a_problem_with_a_request_id(port: int, sent: bytes, status: int) -> None:
    head, _, body = said(port, sent).partition(b"\r\n\r\n")
    line, *rest = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    assert line.split(" ")[1] == str(status)
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store"
    assert headers["connection"] == "close"
    assert "server" not in headers
    told = json.loads(body)
    assert (told["status"], told["requestId"]) == (status, headers["request-id"])
    assert told["detail"]


def test_nonsense_behind_a_request_ends_the_connection(port: int) -> None:
    answered = said(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 200")
    assert b"half" in answered
