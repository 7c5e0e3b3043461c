"""The customers' side: one process with endpoints of every temper, which verifies each signature by itself.

The law: a request is noted in the log file before it is answered, so what Hookline was told is never more than what is
known here; and nothing of Hookline is imported: the signature is judged by the `standardwebhooks` package.

    /NAME ─► verify ─► the endpoint's temper decides the status ─► note ─► answer (or never)

`python -m tests.acceptance.receiver ENDPOINTS LOG`: prints its ports, one for each temper (to Hookline each is an
origin of its own), and ends with its standard input.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError

UNANSWERED = 0
SLOW_S = 0.2
RETRY_AFTER_S = 1
_HEAD_END = b"\r\n\r\n"


class Temper(StrEnum):
    """How an endpoint behaves."""

    HEALTHY = "healthy"
    FLAKY = "flaky"  # 503 for each webhook-id twice, then accepts
    DEAD = "dead"  # 500, always
    GONE = "gone"  # 410, always
    HANGING = "hanging"  # takes the request and never answers
    LIMITED = "limited"  # so many a second, and 429 with Retry-After beyond
    SLOW = "slow"  # accepts after 200 ms


_CONSTANT = {
    Temper.HEALTHY: HTTPStatus.OK,
    Temper.SLOW: HTTPStatus.OK,
    Temper.DEAD: HTTPStatus.INTERNAL_SERVER_ERROR,
    Temper.GONE: HTTPStatus.GONE,
    Temper.HANGING: UNANSWERED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint. `rate_per_s` counts for LIMITED alone."""

    name: str
    temper: Temper
    secret: str
    rate_per_s: float = 50.0


class Behaviour:
    """An endpoint at work."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.is_slow = endpoint.temper is Temper.SLOW
        self._temper = endpoint.temper
        self._rate_per_s = endpoint.rate_per_s
        self._verifier = Webhook(endpoint.secret)
        self._met: Counter[str] = Counter()
        self._allowance = 1.0
        self._allowed_at_s = time.monotonic()

    def status(self, headers: dict[str, str], body: bytes) -> int:
        """The answer to a request, UNANSWERED for none."""
        try:
            self._verifier.verify(body, headers, json_parse=False)
        except (WebhookVerificationError, ValueError):
            return HTTPStatus.UNAUTHORIZED
        match self._temper:
            case Temper.FLAKY:
                self._met[headers["webhook-id"]] += 1
                return HTTPStatus.OK if self._met[headers["webhook-id"]] > 2 else HTTPStatus.SERVICE_UNAVAILABLE
            case Temper.LIMITED:
                return HTTPStatus.OK if self._takes_one_more() else HTTPStatus.TOO_MANY_REQUESTS
            case constant:
                return _CONSTANT[constant]

    def _takes_one_more(self) -> bool:
        """A token bucket that holds a second's worth."""
        now_s = time.monotonic()
        self._allowance += (now_s - self._allowed_at_s) * self._rate_per_s
        self._allowance = min(self._allowance, max(1.0, self._rate_per_s))
        self._allowed_at_s = now_s
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


class Connection(asyncio.Protocol):
    """HTTP/1.1 as far as our clients speak it: POST with Content-Length, one request after the other."""

    def __init__(self, endpoints: dict[str, Behaviour], note: Callable[[str, str, int, bytes], None]) -> None:
        self._endpoints = endpoints
        self._note = note
        self._unread = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(_HEAD_END)) >= 0:
            lines = bytes(self._unread[:end]).decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in lines[1:])
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            begin = end + len(_HEAD_END)
            length = int(headers.get("content-length", "0"))
            if len(self._unread) < begin + length:
                if headers.get("expect") == "100-continue" and len(self._unread) == begin:
                    self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body = bytes(self._unread[begin : begin + length])
            del self._unread[: begin + length]
            self._answer(lines[0].split(" ")[1].removeprefix("/"), headers, body)

    def _answer(self, name: str, headers: dict[str, str], body: bytes) -> None:
        endpoint = self._endpoints.get(name)
        status = int(HTTPStatus.NOT_FOUND if endpoint is None else endpoint.status(headers, body))
        self._note(name, headers.get("webhook-id", ""), status, body)
        if status == UNANSWERED:
            return
        asked = f"retry-after: {RETRY_AFTER_S}\r\n" if status == HTTPStatus.TOO_MANY_REQUESTS else ""
        answer = f"HTTP/1.1 {status} -\r\n{asked}content-length: 0\r\n\r\n".encode()
        if endpoint is not None and endpoint.is_slow:
            asyncio.get_running_loop().call_later(SLOW_S, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def serve(endpoints: dict[str, Behaviour], log: Path) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(name: str, webhook_id: str, status: int, body: bytes) -> None:
        at_ms = time.time_ns() // 1_000_000
        line = json.dumps([at_ms, name, webhook_id, status, body.decode("utf-8", "surrogateescape")])
        os.write(output, line.encode() + b"\n")

    servers = {
        temper: await loop.create_server(lambda: Connection(endpoints, note), "127.0.0.1", 0, backlog=1_024)
        for temper in Temper
    }
    ports = {temper: server.sockets[0].getsockname()[1] for temper, server in servers.items()}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)
    os.close(output)


def main(endpoints: Path, log: Path) -> None:
    """Serve the endpoints listed in a JSON file."""
    listed = json.loads(endpoints.read_text())
    serving = [Endpoint(**each | {"temper": Temper(each["temper"])}) for each in listed]
    asyncio.run(serve({each.name: Behaviour(each) for each in serving}, log))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
