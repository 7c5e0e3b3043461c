"""One request and its answer, as the log and the answer's headers tell it.

The law: the log says who asked for what and how it went, never with what: no query, no body, no key, and of a path that
is no route of ours not even the path.
"""

import secrets
import time
from collections.abc import Callable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute
from starlette.types import Message, Scope, Send
from structlog.typing import FilteringBoundLogger

from consumer.api.caller import Caller
from consumer.api.seen import seen

PRIVATE: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
REQUEST_ID: Final = "Request-Id"
_ID: Final = "hookline.request_id"


class Exchange:
    """`headers` are put on the answer; `quiet` keeps it out of the log; `leave` is called when it is over.

    `by` names who asks, where that is not the caller's key.
    """

    def __init__(
        self,
        scope: Scope,
        send: Send,
        log: FilteringBoundLogger,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.caller: Caller | None = None
        self.by: str | None = None
        self.quiet = False
        self.begun = False
        self.leave: Callable[[], None] = lambda: None
        self.id = new_id()
        self.headers: dict[str, str] = {REQUEST_ID: self.id, **PRIVATE}
        self._scope = scope
        scope[_ID] = self.id
        self._send = send
        self._log = log
        self._over = False
        self._monotonic_s = monotonic_s
        self._began_s = monotonic_s()
        self._status = 0

    @property
    def route(self) -> str | None:
        """The route's path with its parameters by name; None where there is none."""
        route: BaseRoute | None = self._scope.get("route")
        path = getattr(route, "path", None)
        return path if isinstance(path, str) else None

    async def send(self, message: Message) -> None:
        """Pass the answer on, with the headers that each has."""
        if message["type"] == "http.response.start":
            self.begun = True
            self._status = int(message["status"])
            MutableHeaders(scope=message).update(self.headers)
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.end()

    def end(self) -> None:
        """It is over: the answer is out, or nobody waits for one any more. What a route does behind it is not told."""
        if self._over:
            return
        self._over = True
        self.leave()
        if not self.quiet:
            self._tell()
            seen.answered(self._scope["method"], self.route, self._status, self._monotonic_s() - self._began_s)

    def _tell(self) -> None:
        caller = self.caller
        self._log.info(
            "request",
            id=self.id,
            method=self._scope["method"],
            route=self.route,
            status=self._status,
            elapsed_ms=round((self._monotonic_s() - self._began_s) * 1_000, 1),
            client=(self._scope.get("client") or (None,))[0],
            tenant=None if caller is None else caller.owner.tenant,
            brand=None if caller is None else caller.owner.brand,
            by=self.by or (None if caller is None else caller.key_id or "operator"),
        )


def new_id() -> str:
    """The id of an exchange."""
    return secrets.token_hex(8)


def id_of(scope: Scope) -> str:
    """The id of the exchange that this request belongs to."""
    return str(scope[_ID])
