"""A customer's endpoints on loopback: what each answers is switched by the test, and what came is kept as it came."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """One request. Names of headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Endpoints:
    """`answers` are (status, body) by path; who is not told gets 200."""

    base: str
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    came: list[Came] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, request: Came) -> None:
        """It came."""
        with self._arrived:
            self.came.append(request)
            self._arrived.notify_all()

    def awaited(self, path: str, *, within_s: float) -> bool:
        """Wait until something came there; whether it did."""
        with self._arrived:
            return self._arrived.wait_for(lambda: bool(self.at(path)), within_s)

    def at(self, path: str) -> list[Came]:
        """What came to this path."""
        return [each for each in self.came if each.path == path]


@contextmanager
def endpoints() -> Iterator[Endpoints]:
    """Serve them on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            served.take(Came(path=self.path, headers=headers, body=body))
            status, answer = served.answers.get(self.path, (200, b'{"received":true}'))
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Endpoints(base=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
