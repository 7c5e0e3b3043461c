"""A receiver that notes when each request came, and answers at once, late, at times, or never.

`python -m bench.receiver OUT PORT…` listens on the ports until SIGTERM, then writes what it saw to OUT as JSON. N is a
webhook's number. A request for `/take/N` is answered with 200, for `/slow/N` after 8 s, for `/hang/N` never. One for
`/back/N` is reset in the first 20 s of each minute, which begins with SIGUSR1, and else answered.

One clock: the publisher stamps the event and this process notes its arrival with the same machine's wall clock, when
the last byte of the request is there.
"""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import cores
from bench.audience import PUBLISHED
from bench.installation import BenchError, wait_until
from tests.services.server import free_port, listening

SLOW_S = 8.0
AWAY_S = 20.0
_AWAY_EVERY_S = 60.0
_DIGITS = 19
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request, whole."""

    webhook: int
    published_ns: int
    received_ns: int

    @property
    def latency_ms(self) -> float:
        return (self.received_ns - self.published_ns) / 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the receiver saw: `arrivals` were answered, `hung` requests never; `hanging_most` of them at once.

    So many were `refused` while their webhook was away.
    """

    arrivals: tuple[Arrival, ...]
    hung: int
    hanging_most: int
    hanging_most_of_one: int
    refused: int


class Receiver:
    """The receiver's process, from the parent's side."""

    def __init__(self, ports: list[int], out: Path, process: subprocess.Popen[bytes]) -> None:
        self.ports = ports
        self._out = out
        self._process = process

    def begin(self) -> None:
        """From here on minutes are counted: those that come and go are away."""
        self._process.send_signal(signal.SIGUSR1)

    def finish(self) -> Seen:
        """End it and read what it saw."""
        self._process.terminate()
        if self._process.wait(30) != 0:
            raise BenchError("the receiver failed")
        seen = json.loads(self._out.read_text())
        arrivals = (
            Arrival(webhook=webhook, published_ns=at, received_ns=came) for webhook, at, came in seen.pop("rows")
        )
        return Seen(arrivals=tuple(arrivals), **seen)


@contextmanager
def receiving(folder: Path, ports: int = 1) -> Iterator[Receiver]:
    """A receiver on so many free ports."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen: list[int] = []
    while len(chosen) < ports:
        if (port := free_port()) not in chosen:
            chosen.append(port)
    out = folder / "seen.json"
    with cores.starting_on(cores.SURROUNDINGS):
        process = subprocess.Popen([sys.executable, "-m", "bench.receiver", str(out), *map(str, chosen)])
    try:
        wait_until(lambda: listening(chosen[-1]), within_s=15, what="the receiver listens")
        yield Receiver(chosen, out, process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


class _Notes:
    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int]] = []
        self.hung = 0
        self.hanging: Counter[int] = Counter()
        self.hanging_most = 0
        self.hanging_most_of_one = 0
        self.refused = 0
        self.began_s: float | None = None

    def begin(self) -> None:
        self.began_s = time.monotonic()

    @property
    def away(self) -> bool:
        return self.began_s is not None and (time.monotonic() - self.began_s) % _AWAY_EVERY_S < AWAY_S

    def hang(self, webhook: int) -> None:
        self.hung += 1
        self.hanging[webhook] += 1
        self.hanging_most = max(self.hanging_most, self.hanging.total())
        self.hanging_most_of_one = max(self.hanging_most_of_one, self.hanging[webhook])


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as Hookline speaks it: POST with Content-Length, one request at a time."""

    def __init__(self, notes: _Notes) -> None:
        self._notes = notes
        self._buffer = b""
        self._hanging: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length_at = head.index(b"content-length:") + len(b"content-length:")
        length = int(head[length_at:].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        received_ns = time.time_ns()
        body, self._buffer = self._buffer[end + 4 :], b""
        _, behaviour, number = head.split(b" ", 2)[1].split(b"/")
        if behaviour == b"hang":
            self._hanging = int(number)
            self._notes.hang(self._hanging)
            return
        if behaviour == b"back" and self._notes.away:
            self._notes.refused += 1
            self._transport.abort()
            return
        stamp_at = body.index(PUBLISHED) + len(PUBLISHED)
        self._notes.rows.append((int(number), int(body[stamp_at : stamp_at + _DIGITS]), received_ns))
        if behaviour == b"slow":
            asyncio.get_running_loop().call_later(SLOW_S, self._transport.write, _OK)
        else:
            self._transport.write(_OK)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._hanging is not None:
            self._notes.hanging[self._hanging] -= 1


async def _listen(ports: list[int], notes: _Notes) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, notes.begin)
    for port in ports:
        await loop.create_server(lambda: _Connection(notes), "127.0.0.1", port, backlog=4_096)
    await stop.wait()


def main(out: Path, ports: list[int]) -> None:
    """Listen, then write down what came."""
    notes = _Notes()
    asyncio.run(_listen(ports, notes))
    seen = {
        "rows": notes.rows,
        "hung": notes.hung,
        "hanging_most": notes.hanging_most,
        "hanging_most_of_one": notes.hanging_most_of_one,
        "refused": notes.refused,
    }
    out.write_text(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(port) for port in sys.argv[2:]])
