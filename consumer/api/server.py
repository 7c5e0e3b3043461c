"""The HTTP server: uvicorn, in a thread of its own.

The law: it listens before anything else is ready, so that /readyz can say what is missing; and asked to stop it answers
what it was asked before, for as long as it may.
"""

import asyncio
import logging
import math
import socket
import threading
import time
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Final, Self, cast

import anyio.to_thread
import uvicorn
from starlette.types import ASGIApp

from consumer.api.connections import Connection, Crowd, Patience, Places
from consumer.api.protocol import HEAD_BYTES
from consumer.telemetry.repeats import Repeats

THREADS: Final = 120
_BACKLOG: Final = 2_048
_TURN_S: Final = 1.0
_SILENT_S: Final = 5.0


# Whoever sends what is no HTTP, over and over, is heard once a minute.
logging.getLogger("uvicorn.error").addFilter(Repeats())


class Server:
    """Serves an application on a socket for as long as the context lasts."""

    def __init__(
        self,
        application: ASGIApp,
        listener: socket.socket,
        *,
        drain_s: int,
        patience: Patience | None = None,
        places: Places | None = None,
    ) -> None:
        patience = patience or Patience()
        self._crowd = Crowd(patience, places or Places.of_this_process())
        config = uvicorn.Config(
            application,
            http=cast("type[asyncio.Protocol]", partial(Connection, self._crowd)),  # uvicorn only calls it
            ws="none",
            lifespan="off",
            loop="asyncio",
            backlog=_BACKLOG,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=math.ceil(patience.idle_s),
            timeout_graceful_shutdown=drain_s,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
        self._server = _Server(config)
        self._listener = listener
        self._failed: BaseException | None = None
        self._turned_s = 0.0
        # A daemon, and so are the threads it starts: a request that hangs must not keep a process from ending.
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    @property
    def turns(self) -> bool:
        """Whether its loop took a turn lately."""
        return time.monotonic() - self._turned_s < _SILENT_S

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raises whatever ended it before it was asked to end."""
        self._server.end()
        self._thread.join()
        self._listener.close()
        if self._failed is not None and error is None:
            raise self._failed

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 # told to the thread that waits for this one
            self._failed = error

    async def _serve(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._crowd.heard)
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        turning = asyncio.create_task(self._turn())
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            turning.cancel()

    async def _turn(self) -> None:
        while True:
            self._turned_s = time.monotonic()
            await asyncio.sleep(_TURN_S)


class _Server(uvicorn.Server):
    """uvicorn's own looks ten times a second whether it is to end; this one is told."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Answer what was asked, and end. From any thread."""
        self.should_exit = True  # for a loop that has not begun
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):  # the time that answers are dated with, to the second
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _TURN_S)
