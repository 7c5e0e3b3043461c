"""A company's own page, with the portal in a frame. It notes what the frame tells it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

_PAGE: Final = """<!doctype html><title>Settings</title><h1>Settings</h1>
<script>window.told = []; addEventListener("message", (event) => told.push([event.origin, event.data]));</script>
<iframe src="{url}" title="Webhooks" width="900" height="900" allow="clipboard-write"></iframe>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A company's site. `/?frame=URL` has that in its frame; `answers` are what it answers besides, by path."""

    origin: str
    answers: dict[str, Callable[[], str]] = field(default_factory=dict)


@contextmanager
def hosting() -> Iterator[Host]:
    """Serve one on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path)
            wanted = parse_qs(path.query).get("frame", ["about:blank"])[0]
            answer = host.answers.get(path.path, lambda: _PAGE.format(url=escape(wanted)))
            body = answer().encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 # as http.server calls it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = Host(origin=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
