"""A request as the routes see it: authenticated, counted, and read to its end.

The law: no route runs without a caller that may do what the route does, and none answers again what it answered to
somebody who might. The scope stands at the route itself, and a route without one cannot be made.
"""

from collections.abc import Callable, Coroutine, MutableMapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgspec
from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

from consumer.api import once
from consumer.api.caller import Caller
from consumer.control.idempotency import Once
from consumer.control.keys import Scope

SCOPE_EXTENSION: Final = "x-required-scope"
_KEY: Final = "hookline.call"

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]  # Any: Starlette's own shape of a handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who asks, and what came with it. `work` names what a request with an Idempotency-Key makes, whoever does it."""

    caller: Caller
    method: str
    path: str
    body: bytes = field(repr=False)
    once: Once = field(repr=False)
    work: str | None = None


def put(scope: MutableMapping[str, Any], call: Call) -> None:
    """Leave the call where the routes find it."""
    scope[_KEY] = call


async def call_of(request: Request) -> Call:
    """The call that the front left there."""
    call = request.scope[_KEY]
    assert isinstance(call, Call)
    return call


def needs(scope: Scope) -> dict[str, str]:
    """The rule of a route, for its `openapi_extra`: readers of the OpenAPI see it too."""
    return {SCOPE_EXTENSION: scope.value}


def scope_of(route: APIRoute) -> Scope:
    """The scope which a route needs.

    Raises:
        LookupError: it says none.
    """
    said = (route.openapi_extra or {}).get(SCOPE_EXTENSION)
    if said is None:
        raise LookupError(f"{route.path} does not say which scope it needs: give it openapi_extra=needs(…)")
    return Scope(said)


class GuardedRoute(APIRoute):
    """A route that asks for its scope before it reads anything, and is done once where that is asked for."""

    def get_route_handler(self) -> Handler:
        """The handler, behind the rules."""
        scope = scope_of(self)
        if strange := set(self.methods or ()) - once.DONE_ONCE.keys():
            raise LookupError(
                f"{self.path} is a {', '.join(strange)}: say in once.DONE_ONCE whether it changes something"
            )
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            call = await call_of(request)
            call.caller.need(scope)
            strict = _StrictRequest(request.scope, request.receive)
            key = once.key_of(request.headers, call.method)
            if key is None:
                return await handle(strict)

            async def do(work: str) -> Response:
                put(request.scope, replace(call, work=work))
                return await handle(strict)

            asked = once.asked(
                call.caller.asker, key, request.headers, method=call.method, path=call.path, body=call.body
            )
            return await once.done_once(call.once, asked, do)

        return guarded


class _StrictRequest(Request):
    """JSON is RFC 8259's: no NaN, no lone surrogates, no nesting without end, which Python's own decoder lets pass."""

    async def json(self) -> object:
        try:
            return msgspec.json.decode(await self.body())
        except (ValueError, RecursionError):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the body is not JSON (RFC 8259)") from None
