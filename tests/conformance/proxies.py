"""A small forward proxy on loopback: HTTP CONNECT and SOCKS5, with answers of the test's own."""

import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias, cast

from consumer.http.proxy import Place, Proxy, Scheme
from tests.conformance.scripted import Endpoint, Line

Target: TypeAlias = tuple[str, int]
Says: TypeAlias = bytes | None
"""What a proxy answers when it is asked; b"" closes without a word, None keeps silent."""

STANDS: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


def refusal(status: int) -> bytes:
    """As squid words one: with a body, of which nobody may make anything."""
    return b"HTTP/1.1 %d Refused\r\nContent-Length: 9\r\nX-Why: hidden\r\n\r\n<html>no!" % status


class SmallProxy:
    """Connects to whatever it is asked for on this machine, unless `says` knows another answer for it.

    `leads` are names and addresses that lead to a port here; `asked` is whom it was asked for, in order; `heads` are
    the requests themselves. `everybody` is what it answers to all. Where it `cuts`, its tunnels end without TLS being
    ended.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.says: dict[Target, Says] = {}
        self.leads: dict[Target, int] = {}
        self.everybody: Says = STANDS
        self.cuts = False
        self.asked: list[Target] = []
        self.heads: list[bytes] = []
        self._endpoint = Endpoint(self._serve, tls=tls)
        self.port = self._endpoint.port
        self._onward: list[socket.socket] = []

    def start(self) -> None:
        self._endpoint.__enter__()

    def stop(self) -> None:
        """Nobody listens any more, and every tunnel ends."""
        for onward in self._onward:
            with suppress(OSError):
                onward.shutdown(socket.SHUT_RDWR)
        self._endpoint.__exit__()

    def named(
        self,
        *checks: Target,
        scheme: str = "http",
        user: str | None = None,
        password: str = "",
        authorities: Path | None = None,
    ) -> Proxy:
        """As an operator names it."""
        return Proxy(
            scheme=cast("Scheme", scheme),
            authorities=authorities,
            at=Place(host="127.0.0.1", port=self.port),
            checks=tuple(Place(host=host, port=port) for host, port in checks),
            user=user,
            password=password,
        )

    def times(self, target: Target) -> int:
        """How often it was asked for this."""
        return self.asked.count(target)

    def _serve(self, line: Line) -> None:
        first = _read(line, 1)
        if first == b"\x05":
            self._socks(line)
            return
        head = first
        while not head.endswith(b"\r\n\r\n"):
            byte = _read(line, 1)
            if not byte:
                return
            head += byte
        self.heads.append(head)
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        target = (host.strip("[]"), int(port))
        says = self._answer(target)
        if says is None:
            line.hold()
        elif says != STANDS:
            line.send(says)
        else:
            self._through(line, target, STANDS)

    def _answer(self, target: Target) -> Says:
        self.asked.append(target)
        return self.says.get(target, self.everybody) if self.everybody == STANDS else self.everybody

    def _socks(self, line: Line) -> None:
        methods = _read(line, _read(line, 1)[0])
        login = 2 in methods
        line.send(bytes((5, 2 if login else 0)))
        if login:
            _read(line, 1)
            user = _read(line, _read(line, 1)[0])
            password = _read(line, _read(line, 1)[0])
            self.heads.append(user + b":" + password)
            line.send(bytes((1, 0)))
        kind = _read(line, 4)[3]
        if kind == 1:
            host = socket.inet_ntop(socket.AF_INET, _read(line, 4))
        elif kind == 4:
            host = socket.inet_ntop(socket.AF_INET6, _read(line, 16))
        else:
            host = _read(line, _read(line, 1)[0]).decode()
        target = (host, struct.unpack("!H", _read(line, 2))[0])
        says = self._answer(target)
        bound = b"\x00\x01" + bytes(6)
        if says is None:
            line.hold()
        elif says != STANDS:
            line.send(says)
        else:
            self._through(line, target, b"\x05\x00" + bound)

    def _through(self, line: Line, target: Target, stands: bytes) -> None:
        port = self.leads.get(target, target[1])
        try:
            onward = socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError:
            line.send(refusal(503))
            return
        onward.settimeout(None)
        self._onward.append(onward)
        ours = line._sock
        line.send(stands)
        if isinstance(ours, ssl.SSLSocket):
            _copy_both(ours, onward, cuts=self.cuts)
            onward.close()
            return
        back = threading.Thread(target=_copy, args=(onward, ours), daemon=True)
        back.start()
        _copy(ours, onward)
        back.join(5)
        onward.close()


def _read(line: Line, size: int) -> bytes:
    """Exactly so much, or less at the end: what comes behind is not ours."""
    read = b""
    while len(read) < size:
        part = line._sock.recv(size - len(read))
        if not part:
            break
        read += part
    return read


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65_536):
            sink.sendall(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _copy_both(ours: ssl.SSLSocket, onward: socket.socket, *, cuts: bool) -> None:
    """In one thread: OpenSSL reads and writes a connection in one at a time."""
    with suppress(OSError):
        while True:
            readable, _, _ = select.select([ours, onward], [], [])
            if onward in readable:
                part = onward.recv(65_536)
                if not part:
                    if not cuts:
                        ours.unwrap()
                    return
                ours.sendall(part)
            while ours in readable:
                part = ours.recv(65_536)
                if not part:
                    return
                onward.sendall(part)
                if not ours.pending():
                    break


@contextmanager
def small_proxy(tls: ssl.SSLContext | None = None) -> Iterator[SmallProxy]:
    """One that listens; by TLS, where it is given a context."""
    proxy = SmallProxy(tls)
    proxy.start()
    try:
        yield proxy
    finally:
        with suppress(OSError):
            proxy.stop()


def until(true: Callable[[], bool], turn: Callable[[], object]) -> None:
    """Take turns until this is true; the test's own limit ends it otherwise."""
    while not true():
        turn()
