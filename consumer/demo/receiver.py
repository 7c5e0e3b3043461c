"""The demo's receivers: for each webhook an HTTP server of the standard library, as each customer has a host.

The law: every request's signature is checked before anything else, and what was seen is reported whole: a receiver
never forgives.
"""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Self

from consumer.demo.scenario import BY_NAME, FLAKY_FAILURES, SLOW_S, Conduct, Receipt
from consumer.demo.signature import Check


class Receiver:
    """All receivers of the scenario. What they saw is in `receipts`, in order."""

    def __init__(self) -> None:
        self.receipts: SimpleQueue[Receipt] = SimpleQueue()
        self.mended = False
        self._checks: dict[str, Check] = {}
        self._tries: Counter[tuple[str, str]] = Counter()
        self._tries_lock = threading.Lock()
        self._servers = {name: ThreadingHTTPServer(("127.0.0.1", 0), self._handler(name)) for name in BY_NAME}
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name=name, daemon=True)
            for name, server in self._servers.items()
        ]

    def url(self, name: str) -> str:
        """Where this webhook's events are to be sent."""
        return f"http://127.0.0.1:{self._servers[name].server_port}/hooks"

    def knows(self, name: str, check: Check) -> None:
        """Hand a webhook's receiver what it verifies signatures with."""
        self._checks[name] = check

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    def answer(self, name: str, headers: dict[str, str], body: bytes) -> int:
        """Judge one request; returns the status to answer. Header names are in lower case."""
        event_id = _event_id(body)
        check = self._checks.get(name)
        verified = check is not None and check(headers, body, time.time())
        with self._tries_lock:
            self._tries[name, event_id] += 1
            tries = self._tries[name, event_id]
        conduct = BY_NAME[name].conduct
        if conduct is Conduct.SLOW:
            time.sleep(SLOW_S)
        status = status_of(conduct, tries, mended=self.mended)
        self.receipts.put(Receipt(hook=name, event_id=event_id, status=status, verified=verified))
        return status

    def _handler(self, name: str) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {header.lower(): value for header, value in self.headers.items()}
                status = receiver.answer(name, headers, body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing on stderr: the table is there."""

        return Handler


def status_of(conduct: Conduct, tries: int, *, mended: bool) -> int:
    """What an endpoint answers to the `tries`-th request for one event."""
    match conduct:
        case Conduct.FLAKY:
            return 500 if tries <= FLAKY_FAILURES else 204
        case Conduct.DEAD:
            return 204 if mended else 500
        case Conduct.HEALTHY | Conduct.SLOW:
            return 204


def _event_id(body: bytes) -> str:
    try:
        event_id = json.loads(body)["data"]["id"]
    except (ValueError, KeyError, TypeError):
        return ""
    return event_id if isinstance(event_id, str) else ""
