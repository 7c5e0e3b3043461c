"""A customer of the chaos run: it fsyncs what it notes before it answers, and can be told to misbehave.

The law: an accepted request is on the disk before Hookline hears of it, whatever ends this process. What came in one
turn of the loop is written and fsynced at once, then answered.

`python -m tests.chaos.receiver ENDPOINTS LOG PORT`: SIGUSR1 makes it reset every connection that brings a request,
SIGUSR2 take requests and never answer, SIGHUP behave again. Both are noted as unanswered.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from enum import Enum, auto
from http import HTTPStatus
from pathlib import Path

from tests.acceptance.receiver import SLOW_S, UNANSWERED, Behaviour, Connection, Endpoint, Temper


class Mood(Enum):
    """How the whole receiver is."""

    WELL = auto()
    RESETS = auto()
    HANGS = auto()


class Notebook:
    """Notes lines, and does what waits for them once they are on the disk."""

    def __init__(self, path: Path) -> None:
        self.mood = Mood.WELL
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._lines: list[bytes] = []
        self._then: list[Callable[[], None]] = []

    def note(self, line: bytes, then: Callable[[], None]) -> None:
        """Write this with everything else of this turn, then call."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        self._lines.append(line)
        self._then.append(then)

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        then, self._then = self._then, []
        os.write(self._file, b"".join(lines))
        os.fsync(self._file)
        for each in then:
            each()


class Noting(Connection):
    """A connection whose answers wait for the disk."""

    def __init__(self, endpoints: dict[str, Behaviour], notebook: Notebook) -> None:
        super().__init__(endpoints, lambda *_: None)
        self._notebook = notebook

    def _answer(self, name: str, headers: dict[str, str], body: bytes) -> None:
        endpoint = self._endpoints.get(name)
        mood = self._notebook.mood
        if mood is not Mood.WELL:
            status = UNANSWERED
        else:
            status = int(HTTPStatus.NOT_FOUND if endpoint is None else endpoint.status(headers, body))
        at_ms = time.time_ns() // 1_000_000
        line = json.dumps([at_ms, name, headers.get("webhook-id", ""), status, body.decode("utf-8", "surrogateescape")])

        def then() -> None:
            if mood is Mood.RESETS and self._transport is not None:
                self._transport.abort()
            elif status != UNANSWERED:
                answer = f"HTTP/1.1 {status} -\r\ncontent-length: 0\r\n\r\n".encode()
                slow = endpoint is not None and endpoint.is_slow
                asyncio.get_running_loop().call_later(SLOW_S if slow else 0, self._write, answer)

        self._notebook.note(line.encode() + b"\n", then)


async def serve(endpoints: dict[str, Behaviour], log: Path, port: int) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    notebook = Notebook(log)
    for number, mood in ((signal.SIGUSR1, Mood.RESETS), (signal.SIGUSR2, Mood.HANGS), (signal.SIGHUP, Mood.WELL)):
        loop.add_signal_handler(number, setattr, notebook, "mood", mood)
    server = await loop.create_server(lambda: Noting(endpoints, notebook), "127.0.0.1", port, backlog=1_024)
    await server.serve_forever()


def main(endpoints: Path, log: Path, port: int) -> None:
    """Serve the endpoints listed in a JSON file."""
    listed = json.loads(endpoints.read_text())
    serving = [Endpoint(**each | {"temper": Temper(each["temper"])}) for each in listed]
    asyncio.run(serve({each.name: Behaviour(each) for each in serving}, log, port))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
