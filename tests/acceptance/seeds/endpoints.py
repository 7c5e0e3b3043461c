"""The customers' HTTPS endpoints: they take down what arrives, byte for byte, and answer as each test says."""

import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from tests.acceptance.deadline import until
from tests.certificates import ADDRESS, Authority

ARRIVES_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an endpoint says, and how long it takes to say it."""

    status: int = HTTPStatus.OK
    body: bytes = b""
    after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One request. Header names are lower-case; `at_s` is monotonic."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    at_s: float

    @property
    def json(self) -> dict[str, object]:
        """The body, read as a receiver reads it."""
        found: dict[str, object] = json.loads(self.body)
        return found

    @property
    def event(self) -> object:
        """Its type, under the payload format `event`."""
        return self.json["event"]


@dataclass(slots=True)
class Endpoint:
    """One URL. Its answers are given in turn, the last for ever."""

    url: str
    answers: Sequence[Answer]
    arrived: list[Arrived] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, request: Arrived) -> Answer:
        """Note a request; what to answer."""
        with self._lock:
            self.arrived.append(request)
            return self.answers[min(len(self.arrived), len(self.answers)) - 1]

    def wait(self, count: int = 1, *, within_s: float = ARRIVES_WITHIN_S) -> list[Arrived]:
        """The requests, once there are so many."""
        until(
            lambda: len(self.arrived) >= count,
            within_s=within_s,
            every_s=0.01,
            missing=lambda: f"{len(self.arrived)} of {count} requests arrived at {self.url}",
        )
        return list(self.arrived)

    def of(self, event: str) -> Arrived:
        """The one request with this event, once it is there."""
        until(
            lambda: event in {each.event for each in list(self.arrived)},
            within_s=ARRIVES_WITHIN_S,
            every_s=0.01,
            missing=lambda: f"{event} did not arrive among {[each.event for each in self.arrived]}",
        )
        [found] = [each for each in self.arrived if each.event == event]
        return found


class Endpoints(ThreadingHTTPServer):
    """Any number of endpoints at one port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, authority: Authority) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        # The handshake is left to the connection's own thread: here, one that is slow would keep out all others.
        self.socket = authority.server(ADDRESS).wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.by_path: dict[str, Endpoint] = {}

    def open(self, *answers: Answer) -> Endpoint:
        """A new endpoint; without answers it says 200."""
        path = f"/{secrets.token_hex(6)}"
        endpoint = Endpoint(f"https://127.0.0.1:{self.server_port}{path}", answers or (Answer(),))
        self.by_path[path] = endpoint
        return endpoint


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:  # the name that http.server looks for
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        endpoint = cast("Endpoints", self.server).by_path[self.path]
        answer = endpoint.take(Arrived(method=self.command, headers=headers, body=body, at_s=time.monotonic()))
        time.sleep(answer.after_s)
        try:
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        except OSError:
            self.close_connection = True  # the sender did not wait

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # http.server's name
        """Keep the tests' output to the tests."""


@contextmanager
def endpoints(authority: Authority) -> Iterator[Endpoints]:
    """Serve until the context ends."""
    with Endpoints(authority) as server:
        thread = threading.Thread(target=server.serve_forever, name="endpoints", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
