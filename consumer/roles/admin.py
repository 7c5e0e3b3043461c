"""What the processes tell their supervisor, its admin port for whoever asks, and the start as it is told in the log.

It is a thread of its own.

The law: nothing here holds up the supervisor, and no process of it. A pipe is read as it fills; an address that
somebody else holds, or whose host no name server knows yet, is waited for while everything else goes on.
"""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from consumer.roles.admin_http import Door
from consumer.roles.answering import Answering
from consumer.roles.listening import ADMIN, bound_at
from consumer.roles.overview import Overview
from consumer.roles.readiness import AFTER_S, Readiness, Ready, Waiting
from consumer.roles.supervision import Member
from consumer.settings import ConfigurationError
from consumer.telemetry.outage import Outage
from consumer.telemetry.snapshot import Frames, SnapshotBroken

_log = structlog.get_logger("supervisor")

_AGAIN_S: Final = 5.0
_PIECE_BYTES: Final = 65_536
_BACKLOG: Final = 64


class Admin:
    """`listen` is HOOKLINE_ADMIN_LISTEN, known to be an address, or empty: then nobody is answered.

    Methods may be called from any thread.
    """

    def __init__(self, listen: str, overview: Overview) -> None:
        self._listen = listen
        self._overview = overview
        self._door = Door(Answering(overview, time.monotonic).answer)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="admin", daemon=True)
        self._readiness = Readiness(time.monotonic())
        self._in_use = Outage(_log, "the admin address is in use")
        self._unbound = Outage(_log, "the admin address cannot be bound")

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def started(self, member: Member, pid: int, pipe: int) -> None:
        """A process was started that tells into the other end of this pipe, which is closed here when it ends."""
        self._soon(self._watch, member, pid, pipe)

    def ended(self, member: Member, code: int) -> None:
        """It ended with this code."""
        self._soon(self._ended, member, code)

    def stopping(self) -> None:
        """A stop was asked for."""
        self._soon(lambda: setattr(self._overview, "stopping", True))

    def _soon(self, act: Callable[..., None], *given: object) -> None:
        self._loop.call_soon_threadsafe(partial(act, *given))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        if self._listen:
            self._loop.create_task(self._listening())
        self._loop.call_later(AFTER_S, self._tell_the_start)
        self._loop.run_forever()

    async def _listening(self) -> None:
        bound: socket.socket | None = None
        while bound is None:
            try:
                bound = bound_at(ADMIN, self._listen)
            except ConfigurationError as error:
                self._unbound.met(address=self._listen, error=str(error))
            else:
                if bound is None:
                    self._in_use.met(address=self._listen)
            if bound is None:
                await asyncio.sleep(_AGAIN_S)
        self._in_use.over()
        self._unbound.over()
        await self._serve(bound)

    async def _serve(self, bound: socket.socket) -> None:
        await self._loop.create_server(self._door.connection, sock=bound, backlog=_BACKLOG)
        host, port = bound.getsockname()[:2]  # the kernel's choice where the setting says port 0
        _log.info("admin port", host=host, port=port)

    def _watch(self, member: Member, pid: int, pipe: int) -> None:
        self._overview.started(time.monotonic(), member, pid)
        os.set_blocking(pipe, False)
        self._loop.add_reader(pipe, self._read, member, pid, pipe, Frames())

    def _ended(self, member: Member, code: int) -> None:
        self._overview.ended(time.monotonic(), member, code)
        self._tell_the_start()

    def _tell_the_start(self) -> None:
        if self._overview.stopping:
            return
        match self._readiness.told(time.monotonic(), self._overview.waited_for()):
            case Ready(after_s=after_s):
                _log.info("ready", after_s=after_s, processes=len(self._overview.lives))
            case Waiting(reasons=reasons):
                _log.info("not ready yet", waiting="; ".join(reasons))
            case None:
                pass

    def _read(self, member: Member, pid: int, pipe: int, frames: Frames) -> None:
        try:
            piece = os.read(pipe, _PIECE_BYTES)
            for snapshot in frames.feed(piece):
                self._overview.heard(time.monotonic(), member, pid, snapshot)
                self._tell_the_start()
        except BlockingIOError:
            return
        except SnapshotBroken as error:
            _log.error("a process tells what cannot be read", of=member.role, of_slot=member.slot, error=str(error))
            piece = b""
        if not piece:
            self._loop.remove_reader(pipe)
            os.close(pipe)
