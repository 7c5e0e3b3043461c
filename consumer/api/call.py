"""A request as the routes see it: authenticated, counted, and read to its end.

The law: no route runs without a caller that may do what the route does, none answers again what it answered to
somebody who might, and none answers that it did something before the audit log has it. The scope stands at the route
itself, and a route without one cannot be made.
"""

from collections.abc import Callable, Coroutine, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive

from consumer.api import once, strict
from consumer.api.audited import deed_of, is_told
from consumer.api.caller import Caller
from consumer.api.moments import now_ms
from consumer.control.audit import Telling
from consumer.control.idempotency import Once
from consumer.control.keys import Scope
from consumer.control.work import Work

SCOPE_EXTENSION: Final = "x-required-scope"
_KEY: Final = "hookline.call"

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]  # Any: Starlette's own shape of a handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who asks, and what came with it. `work` is what a request with an Idempotency-Key makes, whoever does it.

    `audit` hears what it did, under its `request_id`.
    """

    caller: Caller
    method: str
    path: str
    body: bytes = field(repr=False)
    once: Once = field(repr=False)
    audit: Telling = field(repr=False)
    request_id: str
    work: Work | None = None


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
    """A route that asks for its scope first, passes over nothing it was sent, and is done once if that is asked for."""

    def get_route_handler(self) -> Handler:
        """The handler, behind the rules."""
        scope = scope_of(self)
        if strange := set(self.methods or ()) - once.DONE_ONCE.keys():
            raise LookupError(
                f"{self.path} is a {', '.join(strange)}: say in once.DONE_ONCE whether it changes something"
            )
        handle = _told(self, super().get_route_handler())
        parameters = strict.parameters_of(self)

        async def guarded(request: Request) -> Response:
            call = await call_of(request)
            call.caller.need(scope)
            strict.check_query(request.query_params.multi_items(), parameters)
            strict.check_headers(request.headers)
            if self.body_field is None:
                strict.check_bodiless(call.body)
            checked = _Checked(request.scope, request.receive, strict.json_of(call.body) if call.body else None)
            key = once.key_of(request.headers, call.method)
            if key is None:
                return await handle(checked)

            async def do(work: Work) -> Response:
                put(request.scope, replace(call, work=work))
                return await handle(checked)

            asked = once.asked(
                call.caller.asker, key, request.headers, method=call.method, path=call.path, body=call.body
            )
            return await once.done_once(call.once, asked, do)

        return guarded


def _told(route: APIRoute, handle: Handler) -> Handler:
    """The same, which tells the audit log what was done before anybody is answered that it was."""
    operation = route.operation_id or ""
    if not any(is_told(operation, method) for method in route.methods or ()):
        return handle

    async def telling(request: Request) -> Response:
        response = await handle(request)
        call, names = await call_of(request), request.path_params
        deed = deed_of(call.caller, operation, names, call.body, response, request_id=call.request_id, at_ms=now_ms())
        if deed is not None:
            await run_in_threadpool(call.audit.tell, deed)
        return response

    return telling


class _Checked(Request):
    """A request whose JSON was read already."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, read: object) -> None:
        super().__init__(scope, receive)
        self._read = read

    async def json(self) -> object:
        return self._read
