"""The API's connections: how long each may take, and how many there may be.

The law: nobody keeps a connection by saying nothing, half a head or by not reading his answer, and whoever comes finds
a place as long as any connection only waits: it is closed for him. Where every connection has a request under way, a
reserve beyond still answers the probes.

    silent ──a head, within head_s──► at work ──its answer, within request_s──► silent, for idle_s at most
"""

import asyncio
import resource
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from consumer.api.exchange import Exchange
from consumer.api.problem import unavailable
from consumer.api.protocol import Protocol
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("api")

_MOST: Final = 4_096
_FEWEST: Final = 32
_PROBES: Final = frozenset({"/livez", "/readyz"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a connection may take. `closing_s` is for what was written and is not read."""

    head_s: float = 10.0
    request_s: float = 120.0
    idle_s: float = 75.0
    closing_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """How many connections there may be, and how many more for probes."""

    most: int
    reserve: int = 16

    @classmethod
    def of_this_process(cls) -> "Places":
        """Half of the descriptors that the process may have: the rest is for what the requests need."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = _MOST if soft == resource.RLIM_INFINITY else soft // 2
        return cls(most=max(_FEWEST, min(_MOST, limit)))


class Crowd:
    """The connections of one event loop."""

    def __init__(self, patience: Patience, places: Places) -> None:
        self.patience = patience
        self.places = places
        self.waiting: OrderedDict[Connection, None] = OrderedDict()  # for a head, the longest first
        self._number = 0
        self._full = Outage(_log, "as many connections as there may be")
        self._without = Outage(_log, "no descriptor for a connection")

    def came(self, connection: "Connection") -> bool:
        """One more. Returns whether it is within what there may be; it is closed when even the reserve is taken."""
        self._without.over()
        self._number += 1
        longest = next(iter(self.waiting), None)
        self.waiting[connection] = None
        if self._number <= self.places.most:
            return True
        self._full.met(most=self.places.most)
        if longest is not None:
            longest.cut()
            return True
        if self._number > self.places.most + self.places.reserve:
            connection.cut()
        return False

    def went(self, connection: "Connection") -> None:
        """A connection has ended."""
        self._number -= 1
        self.waiting.pop(connection, None)
        if self._number <= self.places.most * 9 // 10:
            self._full.over()

    def heard(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler. asyncio tells of each connection that it had no descriptor for."""
        if "out of system resource" in context["message"]:
            self._without.met(error=str(context.get("exception")))
        else:
            loop.default_exception_handler(context)


class Connection(Protocol):
    """One connection, of a crowd."""

    def __init__(
        self,
        crowd: Crowd,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config=config, server_state=server_state, app_state=app_state, _loop=_loop)
        self._crowd = crowd
        self._at_work = False
        self._begun = False  # a head
        self._limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """It may send its head now."""
        super().connection_made(transport)
        self._end_within(self._crowd.patience.head_s)
        if not self._crowd.came(self):
            self.app = _probes_only(self.app)

    def data_received(self, data: bytes) -> None:
        """A part of a head, or of a body: the time for it does not begin anew."""
        super().data_received(data)
        self._settle()
        if not self._at_work and not self._begun:
            self._begun = True
            self._end_within(self._crowd.patience.head_s)

    def on_response_complete(self) -> None:
        """It is silent again, or has sent the next head already."""
        self._at_work = False
        super().on_response_complete()
        self._settle()
        if not self._at_work and not self.transport.is_closing():
            self._begun = False
            self._crowd.waiting[self] = None
            self._end_within(self._crowd.patience.idle_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        super().connection_lost(exc)
        if self._limit is not None:
            self._limit.cancel()
        self._crowd.went(self)

    def cut(self) -> None:
        """Close it; what was written and not read has a moment more."""
        self._crowd.waiting.pop(self, None)
        self.transport.close()
        self._within(self._crowd.patience.closing_s, self.transport.abort)

    def _settle(self) -> None:
        """Whether a request has begun."""
        none = self.cycle is None  # which uvicorn's own types rule out
        if not self._at_work and not none and not self.cycle.response_complete:
            self._at_work = True
            self._crowd.waiting.pop(self, None)
            self._end_within(self._crowd.patience.request_s)

    def _end_within(self, seconds: float) -> None:
        if not self.transport.is_closing():
            self._within(seconds, self.cut)

    def _within(self, seconds: float, end: Callable[[], None]) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._limit = self.loop.call_later(seconds, end)


def _probes_only(application: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in _PROBES:
            await application(scope, receive, send)
            return
        exchange = Exchange(scope, send, _log)
        exchange.quiet = True  # the lasting condition has a line already
        refused = unavailable("as many requests as there is room for are under way: try again in a moment")
        refused.headers["Connection"] = "close"
        await refused.answer(exchange.id)(scope, receive, exchange.send)
        exchange.end()

    return answer
