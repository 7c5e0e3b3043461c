"""A name server on a loopback port, which says of each name what its test wants."""

import heapq
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Final, Self

A: Final = 1
AAAA: Final = 28
NXDOMAIN: Final = 3
SERVFAIL: Final = 2
_LARGEST: Final = 4_096


@dataclass(frozen=True, slots=True)
class Said:
    """What it says of a name: addresses, or an error of DNS, after a time."""

    addresses: tuple[str, ...] = ()
    ttl_s: int = 60
    error: int = 0
    after_s: float = 0.0


Says = Callable[[str], Said | None]
"""By name, in lower case; None: not a word."""


class NameServer:
    """Answers by UDP, in a thread of its own. `asked` are the questions so far: name and type."""

    def __init__(self, says: Says, *, at: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self._says = says
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(at)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="name-server", daemon=True)
        host, port = self._socket.getsockname()
        self.address = f"{host}:{port}"
        self.asked: list[tuple[str, int]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self._socket.getsockname())
        self._thread.join(10)
        self._socket.close()

    def _serve(self) -> None:
        late: list[tuple[float, int, bytes, tuple[str, int]]] = []
        order = count()
        while not self._stop.is_set():
            self._socket.settimeout(max(0.001, late[0][0] - time.monotonic()) if late else None)
            try:
                asked, who = self._socket.recvfrom(_LARGEST)
            except TimeoutError:
                asked, who = b"", ("", 0)
            if asked:
                name, kind, question = _read(asked)
                self.asked.append((name, kind))
                said = self._says(name)
                if said is not None:
                    answer = _answer(asked[:2], question, kind, said)
                    heapq.heappush(late, (time.monotonic() + said.after_s, next(order), answer, who))
            while late and late[0][0] <= time.monotonic():
                _, _, answer, who = heapq.heappop(late)
                self._socket.sendto(answer, who)


def _read(asked: bytes) -> tuple[str, int, bytes]:
    """The name asked for, the type, and the question as it was written (RFC 1035 section 4.1.2)."""
    labels: list[str] = []
    at = 12
    while length := asked[at]:
        labels.append(asked[at + 1 : at + 1 + length].decode())
        at += length + 1
    return ".".join(labels).lower(), struct.unpack_from(">H", asked, at + 1)[0], asked[12 : at + 5]


def _answer(number: bytes, question: bytes, kind: int, said: Said) -> bytes:
    family = socket.AF_INET6 if kind == AAAA else socket.AF_INET
    packed = [socket.inet_pton(family, each) for each in said.addresses if (":" in each) == (kind == AAAA)]
    head = struct.pack(">HHHHH", 0x8180 | said.error, 1, len(packed), 0, 0)
    records = (b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, said.ttl_s, len(each)) + each for each in packed)
    return number + head + question + b"".join(records)
