"""A customer of the API: HTTP/1.1 on kept connections, requests at times that are fixed beforehand.

The law: a request's time counts from when it was due, not from when it was sent: an answer that keeps the next request
waiting is paid for by both. There are as many connections as there are requests under way.

Written on asyncio's streams, because it shares a core with the broker and a general client costs several times as much.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeAlias

Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_PATIENCE_S = 10.0
_LEAD_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """With the key it is made with."""

    method: str
    path: str
    key: str = field(repr=False)
    body: Mapping[str, object] | None = None

    def encoded(self) -> bytes:
        content = b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`status` 0: there was none, and the body says why. `took_ms` counts from when the request was due."""

    request: Request
    status: int
    body: bytes = field(repr=False)
    took_ms: float

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def __str__(self) -> str:
        return f"{self.request.method} {self.request.path}: {self.status} {self.body[:200]!r}"


class Customer(AbstractAsyncContextManager["Customer"]):
    """Of the API on a port of this machine. Belongs to one event loop."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[Connection] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        del kind, error, traceback
        for _, writer in self._idle:
            writer.close()

    async def ask(self, request: Request) -> Answer:
        """Ask now."""
        return await self._ask(request, asyncio.get_running_loop().time())

    async def ask_paced(self, requests: Sequence[Request], *, a_second: float) -> list[Answer]:
        """Ask evenly, however long the answers take; in the requests' order."""
        loop = asyncio.get_running_loop()
        began_s = loop.time() + _LEAD_S
        asked: list[asyncio.Task[Answer]] = []
        for number, request in enumerate(requests):
            due_s = began_s + number / a_second
            early_s = due_s - loop.time()
            if early_s > 0:
                await asyncio.sleep(early_s)
            asked.append(asyncio.create_task(self._ask(request, due_s)))
        return list(await asyncio.gather(*asked))

    async def _ask(self, request: Request, due_s: float) -> Answer:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                status, body = await self._exchange(request)
        except (OSError, EOFError) as error:  # a timeout is an OSError
            status, body = 0, repr(error).encode()
        return Answer(request=request, status=status, body=body, took_ms=(loop.time() - due_s) * 1_000)

    async def _exchange(self, request: Request) -> tuple[int, bytes]:
        """One request and its answer, which is framed by its Content-Length. The connection is kept if it was."""
        reader, writer = self._idle.popleft() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        kept = False
        try:
            writer.write(request.encoded())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length_at = head.index(b"content-length:") + len(b"content-length:")
            body = await reader.readexactly(int(head[length_at:].split(b"\r\n", 1)[0]))
            kept = b"\r\nconnection: close" not in head
        finally:
            if kept:
                self._idle.append((reader, writer))
            else:
                writer.close()
        return int(head.split(b" ", 2)[1]), body
