"""A company's own page, with the portal in a frame. It notes what the frame tells it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

_PAGE: Final = """<!doctype html><title>Settings</title><h1>Settings</h1>
<script>window.told = []; addEventListener("message", (event) => told.push([event.origin, event.data]));</script>
<iframe src="{url}" title="Webhooks" width="900" height="900" allow="clipboard-write"></iframe>"""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        wanted = parse_qs(urlsplit(self.path).query).get("frame", ["about:blank"])[0]
        body = _PAGE.format(url=escape(wanted)).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def hosting() -> Iterator[str]:
    """Serve it; its origin. `/?frame=URL` has that in its frame."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
