"""The portable engine: httpx's connection pool on an asyncio loop in a thread of its own, where libcurl is not wanted.

The law (beside the port's): the same answers as the curl engine, slower. A Response has its whole body, or its first
16 KiB and more; every address is checked before it is connected to and again before each request.

The thread owns every connection. It shares with ours a queue of finished requests, an eventfd that says there are
some, and asyncio's own thread-safe calls.
"""

import asyncio
import os
import queue
import select
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final, TypeAlias

import httpcore

from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.http.certificates import system_bundle
from consumer.http.guard import AddressGuard
from consumer.http.guarded_network import GuardedNetwork
from consumer.http.portable_exchange import Attempt
from consumer.http.transport import addressed
from consumer.signing.request import Request

_KEEPALIVE_S: Final = 118.0
_TURNS_TO_CLOSE: Final = 3  # asyncio closes a socket in a turn of the loop after the one it was asked in

_Finished: TypeAlias = tuple[int, int, Answer]


class PortableTransport:
    """httpx's pool behind the Transport port. Owned by one thread, beside which it runs its own."""

    def __init__(
        self,
        guard: AddressGuard,
        *,
        max_connections: int = 2_048,
        ca_file: Path | None = None,
    ) -> None:
        """The arguments of CurlTransport, with the same meaning."""
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_trusting(ca_file),
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=_KEEPALIVE_S,
            network_backend=GuardedNetwork(guard),
        )
        self._numbers: dict[int, int] = {}
        self._submitted = 0
        self._tasks: dict[int, tuple[asyncio.Task[Answer], Attempt]] = {}
        self._finished: queue.SimpleQueue[_Finished] = queue.SimpleQueue()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll = select.epoll()
        self._epoll.register(self._wake, select.EPOLLIN)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hookline-http", daemon=True)
        self._thread.start()

    @property
    def in_flight(self) -> int:
        return len(self._numbers)

    def submit(self, token: int, request: Request) -> None:
        addressed(request)
        # A token may be used again after a cancel: the number tells its requests apart.
        self._submitted += 1
        self._numbers[token] = self._submitted
        self._loop.call_soon_threadsafe(self._begin, token, self._submitted, request, monotonic())

    def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
        if self._finished.empty():
            self._epoll.poll(wait_s)
        with suppress(BlockingIOError):  # nothing finished: a watched descriptor woke us, or the time was up
            os.eventfd_read(self._wake)
        answers: list[tuple[int, Answer]] = []
        while not self._finished.empty():
            token, number, answer = self._finished.get()
            if self._numbers.get(token) == number:
                del self._numbers[token]
                answers.append((token, answer))
        return answers

    def cancel(self, token: int) -> None:
        number = self._numbers.pop(token, None)
        if number is not None:
            self._loop.call_soon_threadsafe(self._abandon, number)

    def watch(self, fd: int) -> None:
        self._epoll.register(fd, select.EPOLLIN)

    def close(self) -> None:
        if self._epoll.closed:
            return
        self._numbers.clear()
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._epoll.close()
        os.close(self._wake)

    # From here on in the loop's own thread.

    def _begin(self, token: int, number: int, request: Request, started_s: float) -> None:
        def finish(task: asyncio.Task[Answer]) -> None:
            del self._tasks[number]
            self._finished.put((token, number, _answer(task, started_s)))
            os.eventfd_write(self._wake, 1)

        attempt = Attempt(self._pool, request, started_s)
        task = self._loop.create_task(attempt.answer())
        self._tasks[number] = (task, attempt)
        task.add_done_callback(finish)

    def _abandon(self, number: int) -> None:
        found = self._tasks.get(number)
        if found is not None:
            found[1].give_up()

    async def _shut(self) -> None:
        under_way = list(self._tasks.values())
        for _, attempt in under_way:
            attempt.give_up()
        await asyncio.gather(*(task for task, _ in under_way), return_exceptions=True)
        await self._pool.aclose()
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(0)


def _answer(task: asyncio.Task[Answer], started_s: float) -> Answer:
    """An exception that is not an answer is a bug: it goes with the failure to whoever tells of it."""
    error = task.exception()
    if error is None:
        return task.result()
    elapsed_ms = (monotonic() - started_s) * 1_000
    met = error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
    return Failure(kind=FailureKind.BUG, detail="", elapsed_ms=elapsed_ms, error=met)


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Trusts `ca_file`, else the system's bundle."""
    return ssl.create_default_context(cafile=str(ca_file or system_bundle()))
