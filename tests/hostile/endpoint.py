"""A real endpoint on loopback that plays what it is told to: one thread for as many connections as come.

The law: a request for `/N…` is answered with what was given for N, by every connection that asks.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Self

from tests.hostile.answers import Ending, Played

_BACKLOG: Final = 2_048
"""More than are asked at once: of what does not fit Linux resets some, which an engine would seem to have done."""
_BETWEEN_PIECES_S: Final = 0.001
_STAYS_S: Final = 0.4  # whoever waits for more than has come would wait for his timeout, and no test has time for that
_RESET: Final = struct.pack("ii", 1, 0)


class HostileEndpoint:
    """`plays` is looked up for each request, so it may change between requests."""

    def __init__(self, plays: Mapping[int, Played], host: str = "127.0.0.1") -> None:
        self._plays = plays
        self._listener = socket.create_server((host, 0), backlog=_BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="hostile", daemon=True)
        self._connections: set[_Connection] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._listener.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(
                lambda: _Connection(self._plays, self._connections), sock=self._listener, backlog=_BACKLOG
            )
        )
        self._loop.run_forever()
        server.close()
        for each in tuple(self._connections):
            each.reset()
        self._loop.run_until_complete(asyncio.sleep(0.01))


class _Connection(asyncio.Protocol):
    """One connection. Requests are read whole, head and body, and answered one after the other."""

    def __init__(self, plays: Mapping[int, Played], connections: set["_Connection"]) -> None:
        self._plays = plays
        self._connections = connections
        self._read = bytearray()
        self._stays: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        if self._stays is not None:  # the next request on this connection has nothing to do with the last one's end
            self._stays.cancel()
            self._stays = None
        self._read += data
        head, blank, rest = self._read.partition(b"\r\n\r\n")
        if not blank:
            return
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        if len(rest) < length:
            return
        self._read = rest[length:]
        number = int(head.split(b" ", 2)[1].lstrip(b"/").partition(b"/")[0])
        played = self._plays[number]
        self._play(list(played.pieces), played.ending)

    def _play(self, pieces: list[bytes], ending: Ending) -> None:
        if self._transport.is_closing():
            return
        if pieces:
            self._transport.write(pieces.pop(0))
        if pieces:
            asyncio.get_running_loop().call_later(_BETWEEN_PIECES_S, self._play, pieces, ending)
        elif ending is Ending.CLOSE:
            self._transport.close()
        elif ending is Ending.RESET:
            self.reset()
        else:
            self._stays = asyncio.get_running_loop().call_later(_STAYS_S, self.reset)

    def reset(self) -> None:
        """With RST instead of FIN."""
        sock = self._transport.get_extra_info("socket")
        with suppress(OSError):  # the client was faster
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()
