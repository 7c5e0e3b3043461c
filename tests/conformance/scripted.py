"""An endpoint that does exactly what its script says, on a real socket, and helpers to drive a transport."""

import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.http.transport import Transport
from consumer.signing.request import Request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Line:
    """One accepted connection, as its script sees it. `number` counts the connections from 0."""

    def __init__(self, endpoint: "Endpoint", sock: socket.socket, number: int) -> None:
        self.endpoint = endpoint
        self.number = number
        self._sock = sock
        self._buffer = b""

    def read(self) -> bytes | None:
        """The next request, head and body; None when the client has closed."""
        while b"\r\n\r\n" not in self._buffer:
            if not self.read_some():
                return None
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        while len(rest) < length:
            if not self.read_some():
                return None
            rest = self._buffer.partition(b"\r\n\r\n")[2]
        self._buffer = rest[length:]
        self.endpoint.requests.append(head + b"\r\n\r\n" + rest[:length])
        return self.endpoint.requests[-1]

    def read_some(self) -> bool:
        """Read whatever has come; False at the end."""
        chunk = self._sock.recv(65_536)
        self._buffer += chunk
        return bool(chunk)

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def send_plain(self, data: bytes) -> None:
        """Past TLS, where there is one."""
        with socket.socket(fileno=os.dup(self._sock.fileno())) as plain:
            plain.sendall(data)

    def answer(self, data: bytes = OK) -> None:
        """Read one request and answer it; then wait for the client to close or ask again."""
        while self.read() is not None:
            self.send(data)

    def drip(self, pieces: Iterable[bytes], every_s: float) -> None:
        for piece in pieces:
            if self.endpoint.stopped.wait(every_s):
                return
            self.send(piece)

    def hold(self) -> None:
        self.endpoint.stopped.wait(30)

    def end_tls(self) -> bool:
        """Say that nothing more comes; whether the client has said so."""
        assert isinstance(self._sock, ssl.SSLSocket)
        try:
            self._sock.unwrap()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """At once, and not when the script ends."""
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


Script = Callable[[Line], None]


class Endpoint:
    """Accepts connections on a loopback address and runs the script on each, in a thread of its own."""

    def __init__(
        self, script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server((host, port), backlog=1_024)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self.scheme = "http" if tls is None else "https"
        self.url = f"{self.scheme}://{host}:{self.port}/hook"
        self.accepted = 0
        self.requests: list[bytes] = []
        self.stopped = threading.Event()
        self._lines: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(10)
        for sock in self._lines:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for sock in self._lines:
            sock.close()

    def _spawn(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            number = self.accepted
            self.accepted += 1
            self._spawn(lambda sock=sock, number=number: self._serve(sock, number))  # type: ignore[misc]

    def _serve(self, sock: socket.socket, number: int) -> None:
        self._lines.append(sock)
        with suppress(OSError):  # the client went away: what it saw is what the test looks at
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._lines.append(sock)
            self._script(Line(self, sock, number))
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def request(
    url: str,
    *,
    timeout_ms: int = 3_000,
    body: bytes = b'{"a":1}',
    headers: Iterable[tuple[str, str]] = (),
    addresses: Sequence[str] = (),
) -> Request:
    """A request to these addresses; without any, to the one that the host is, and this machine's for a name."""
    return Request(
        url=url,
        headers=(("content-type", "application/json"), *headers),
        body=body,
        timeout_ms=timeout_ms,
        addresses=tuple(addresses) or (address_of(url) or "127.0.0.1",),
    )


def address_of(url: str) -> str | None:
    """The address that the URL's host is; None for a name."""
    try:
        return str(ip_address(urlsplit(url).hostname or ""))
    except ValueError:
        return None


def finish(transport: Transport, *, within_s: float = 10.0) -> dict[int, Answer]:
    """Poll until nothing is in flight."""
    answers: dict[int, Answer] = {}
    end = time.monotonic() + within_s
    while transport.in_flight:
        assert time.monotonic() < end, f"{transport.in_flight} requests never ended"
        for token, answer in transport.poll(0.05):
            assert token not in answers
            answers[token] = answer
    return answers


def ask(transport: Transport, asked: Request) -> Answer:
    transport.submit(7, asked)
    answers = finish(transport)
    assert list(answers) == [7]
    return answers[7]


def status(answer: Answer) -> int:
    """Of an answer that came."""
    assert isinstance(answer, Response), answer
    return answer.status


def kind(answer: Answer) -> FailureKind:
    """Of one that did not."""
    assert isinstance(answer, Failure), answer
    return answer.kind
