"""The shop's own server: it leads to the pages as a company's server does, and receives what is sent to the shop.

Each visit of its address makes a link of its own, for a link works once.
"""

import secrets
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self

from consumer.control.keys import USUAL_SCOPES
from consumer.control.portal_links import Grant, PortalLinks, base_of, url_of
from consumer.demo import story
from consumer.settings import Settings
from consumer.webhooks.keyring import Keyring

_OPEN_WITHIN_MS: Final = 600_000
_OPEN_FOR_MS: Final = 86_400_000
_READY_WITHIN_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.2


class Shop:
    """A server on a free port of loopback."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._link: Callable[[], str] | None = None
        self._leads = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="shop", daemon=True
        )

    @property
    def url(self) -> str:
        """Where the pages are opened."""
        return f"http://localhost:{self._server.server_port}/"

    def receives_at(self, path: str) -> str:
        """The URL of one of its endpoints."""
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def leads_to(self, settings: Settings) -> None:
        """From now on its address opens the pages of these settings."""
        links, base = PortalLinks(Keyring.from_settings(settings)), base_of(settings)
        assert base is not None

        def link() -> str:
            made = links.new(
                Grant(tenant=story.SHOP, brand="hookline", scopes=USUAL_SCOPES, key_id=None, user="The shop"),
                page="/webhooks",
                open_within_ms=_OPEN_WITHIN_MS,
                expires_in_ms=_OPEN_FOR_MS,
                now_ms=time.time_ns() // 1_000_000,
                entropy=secrets.token_bytes,
            )
            _await_ready(base)
            return url_of(base, links.write(made))

        self._link = link
        self._leads.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answered(self, path: str) -> story.Answer:
        with self._lock:
            self._numbers[path] += 1
            return story.answer(path, self._numbers[path])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                # The address is printed first: whoever opens it at once waits until there are pages.
                if self.path == "/" and shop._leads.wait(_READY_WITHIN_S) and shop._link is not None:
                    self._say(HTTPStatus.FOUND, location=shop._link())
                else:
                    self._say(HTTPStatus.NOT_FOUND)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", "0")))
                given = shop._answered(self.path)
                self._say(given.status, given.body)

            def _say(self, status: int, body: bytes = b"", location: str | None = None) -> None:
                self.send_response(status)
                if location is not None:
                    self.send_header("location", location)
                    self.send_header("cache-control", "no-store")
                if body:
                    self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing on stderr: the table is there."""

        return Handler


def _await_ready(base: str) -> None:
    """Return when the role api is ready, or after some time: then the browser says that nobody is there."""
    until_s = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < until_s:
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=_LOOK_EVERY_S * 5):  # noqa: S310 # our own http URL
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_LOOK_EVERY_S)
