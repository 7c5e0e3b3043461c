"""Two hundred real sockets that say nothing, or half a head: the API closes them, and answers all others meanwhile."""

import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import structlog
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from consumer.api.connections import Crowd, Patience, Places
from consumer.api.server import Server

QUICK = Patience(head_s=0.3, request_s=0.6, idle_s=0.3, closing_s=0.1)
SLOW = Patience()
HALF = b"GET /v1/webhooks HTTP/1.1\r\nHost: api\r\nX-Half: "


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once; `/hang` never."""
    if scope["path"] == "/hang":
        await asyncio.sleep(60)
    await PlainTextResponse("yes")(scope, receive, send)


@contextmanager
def served(patience: Patience, *, most: int = 1_000, reserve: int = 2) -> Iterator[tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    address = listener.getsockname()
    with Server(application, listener, drain_s=1, patience=patience, places=Places(most=most, reserve=reserve)):
        yield address


def asked(address: tuple[str, int], path: str) -> bytes:
    """The first line of the answer."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: api\r\n\r\n".encode())
        return connection.recv(4_096).partition(b"\r\n")[0]


def closed(connection: socket.socket) -> bool:
    connection.settimeout(5)
    try:
        return connection.recv(4_096) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("said", [b"", HALF])
def test_who_does_not_send_a_head_is_not_waited_for(said: bytes) -> None:
    with ExitStack() as opened, served(QUICK) as address:
        silent = [opened.enter_context(socket.create_connection(address)) for _ in range(200)]
        for each in silent:
            each.sendall(said)
        assert asked(address, "/livez") == b"HTTP/1.1 200 OK"
        assert all(closed(each) for each in silent)


def test_a_head_a_byte_at_a_time_gains_no_time() -> None:
    with served(QUICK) as address, socket.create_connection(address) as slow:
        began = time.monotonic()
        with suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() - began < 5:
                slow.sendall(b"G")
                time.sleep(0.02)
        assert time.monotonic() - began < 3


def test_an_answered_connection_is_closed_when_it_is_idle_and_when_it_sends_half_of_the_next_head() -> None:
    with served(QUICK) as address:
        for then in (b"", HALF):
            with socket.create_connection(address, timeout=10) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: api\r\n\r\n")
                answer = b""
                while not answer.endswith(b"yes"):
                    answer += connection.recv(4_096)
                connection.sendall(then)
                assert closed(connection)


def test_a_request_ends_at_last() -> None:
    with served(QUICK) as address, socket.create_connection(address) as connection:
        connection.sendall(b"GET /hang HTTP/1.1\r\nHost: api\r\n\r\n")
        assert closed(connection)


@pytest.mark.parametrize("said", [b"", HALF])
def test_beyond_the_limit_the_longest_silent_one_makes_room(said: bytes) -> None:
    with ExitStack() as opened, served(SLOW, most=20) as address:
        silent = [opened.enter_context(socket.create_connection(address)) for _ in range(200)]
        for each in silent[-20:]:
            each.sendall(said)
        for _ in range(5):
            assert asked(address, "/v1/webhooks") == b"HTTP/1.1 200 OK"
        assert all(closed(each) for each in silent[:180])


def test_where_all_are_at_work_the_reserve_answers_the_probes() -> None:
    with ExitStack() as opened, served(SLOW, most=3, reserve=1) as address:
        for _ in range(3):
            connection = opened.enter_context(socket.create_connection(address))
            connection.sendall(b"GET /hang HTTP/1.1\r\nHost: api\r\n\r\n")
        time.sleep(0.1)
        assert asked(address, "/livez") == b"HTTP/1.1 200 OK"
        assert asked(address, "/v1/webhooks") == b"HTTP/1.1 503 Service Unavailable"
        assert asked(address, "/readyz") == b"HTTP/1.1 200 OK"


def test_a_loop_without_descriptors_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """Else a process without descriptors logs hundreds of lines a second."""
    crowd, loop = Crowd(QUICK, Places(most=1)), asyncio.new_event_loop()
    caplog.set_level(logging.ERROR, logger="asyncio")
    with structlog.testing.capture_logs() as said:
        for _ in range(1_000):
            crowd.heard(loop, {"message": "socket.accept() out of system resource", "exception": OSError(24, "many")})
    loop.close()
    assert [each["event"] for each in said] == ["no descriptor for a connection"]
    assert caplog.records == []


def test_half_of_the_descriptors_are_for_what_requests_need() -> None:
    assert 32 <= Places.of_this_process().most <= 4_096
