"""Which answer each refusal of the rooms below becomes.

The law: every exception that stands for a state of the world is listed here, once; one that is not is a bug, and its
answer says no more than that.
"""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from consumer.api import shapes, wishes
from consumer.api.call import call_of
from consumer.api.exchange import id_of
from consumer.api.job_refusals import Hindrance, conflict, of_refused
from consumer.api.meanings import Meaning
from consumer.api.once import HEADER as IDEMPOTENCY_KEY
from consumer.api.problem import Refusal, invalid, not_found, unavailable
from consumer.brands.brand import Brand
from consumer.control.cursor import CursorInvalid
from consumer.control.idempotency import InProgress, KeyReused
from consumer.control.refusal import Conflict, Mismatch, QuotaReached, UidTaken, WebhookUnknown
from consumer.control.resend_now import AlreadyDelivered
from consumer.jobs.dead_letters import JobRefused
from consumer.jobs.desk import JobUnknown, NobodyRuns
from consumer.kafka.client import KafkaBroken
from consumer.kafka.picking import NotKept
from consumer.log.archive import AttemptUnknown
from consumer.shares import Busy
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.keyring import SecretUnreadable
from consumer.webhooks.wrong import Code, FieldInvalid, Wrong

_STATUSES: Final[dict[type[Exception], HTTPStatus]] = {
    Conflict: HTTPStatus.CONFLICT,
    Mismatch: HTTPStatus.PRECONDITION_FAILED,
    QuotaReached: HTTPStatus.FORBIDDEN,
    UidTaken: HTTPStatus.CONFLICT,
}
# What is said of each alike, whatever its own words are.
_SAID: Final[dict[type[Exception], Callable[[], Refusal]]] = {
    AlreadyDelivered: lambda: conflict(Hindrance.ALREADY_DELIVERED),
    AttemptUnknown: lambda: not_found("there is no such attempt: list the attempts to see which there are"),
    CacheUnavailable: lambda: unavailable("the log cannot be read just now; deliveries go on: try again"),
    JobUnknown: lambda: not_found("there is no such job: list the jobs to see which there are"),
    NobodyRuns: lambda: unavailable(
        "no process runs the role jobs, so nothing was done: whoever runs this API has to start one", again_in_s=5
    ),
    NotKept: lambda: Refusal(HTTPStatus.GONE, "its request and answer are kept no longer"),
    SecretUnreadable: lambda: unavailable(
        "an encryption key is missing here: the operator has to bring it back", again_in_s=60
    ),
    WebhookUnknown: lambda: not_found("there is no such webhook: list the webhooks to see which there are"),
}
_FIELDS: Final[dict[type[Exception], tuple[str, Code]]] = {
    CursorInvalid: ("cursor", Code.MALFORMED),
    KeyReused: (IDEMPOTENCY_KEY, Code.REUSED),
}


def refusal_of(error: Exception, brand: Brand) -> Refusal:
    """What a refusal of a room below is answered with."""
    if (status := _STATUSES.get(type(error))) is not None:
        return Refusal(status, str(error))
    if (said := _SAID.get(type(error))) is not None:
        return said()
    match error:
        case Refusal():
            refusal = error
        case FieldInvalid():
            refusal = wishes.refused(error, brand)
        case CursorInvalid() | KeyReused():
            field, code = _FIELDS[type(error)]
            refusal = invalid(Wrong(field=field, code=code, message=str(error)))
        case InProgress():
            refusal = Refusal(HTTPStatus.CONFLICT, str(error), headers={"Retry-After": "1"})
        case JobRefused():
            refusal = of_refused(error.known)
        case Busy():
            refusal = busy(error)
        case KafkaBroken():
            refusal = unavailable(
                "our storage does not answer, so it is not known whether this was done: look and try again"
            )
        case _:
            raise AssertionError(f"{type(error).__name__} is not mapped")
    return refusal


def busy(error: Busy) -> Refusal:
    """Of a pool without a free place: 429 where the tenant has taken his share, 503 where all have taken all."""
    status = HTTPStatus.TOO_MANY_REQUESTS if error.own else HTTPStatus.SERVICE_UNAVAILABLE
    return Refusal(status, str(error), headers={"Retry-After": str(error.retry_after_s)})


def add_refusals(app: FastAPI, brand: Brand, meanings: Mapping[str, Meaning]) -> None:
    """Make the app answer them. `meanings` are by the route's operation id."""
    mapped = (Refusal, FieldInvalid, CursorInvalid, InProgress, KeyReused, JobRefused, Busy, KafkaBroken)
    for kind in (*mapped, *_SAID, *_STATUSES, HTTPException):
        app.add_exception_handler(kind, partial(_refused, brand))
    app.add_exception_handler(RequestValidationError, partial(_misshapen, brand, meanings))
    app.add_exception_handler(Exception, _bug)


def bug(request_id: str) -> Response:
    """What is said of a bug: nothing that could be a secret."""
    return Refusal(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "this is a bug on our side; it was written to our log under this answer's requestId",
    ).answer(request_id)


def ended() -> Refusal:
    """Of a request that was still under way when its process had to end."""
    return unavailable("this server is stopping, so it is not known whether this was done: look and try again")


async def _refused(brand: Brand, request: Request, error: Exception) -> Response:
    refusal = _of_routing(error, request, brand) if isinstance(error, HTTPException) else refusal_of(error, brand)
    return refusal.answer(id_of(request.scope))


async def _misshapen(brand: Brand, meanings: Mapping[str, Meaning], request: Request, error: Exception) -> Response:
    """What the models refuse, and what is wrong with the rest of the body besides."""
    assert isinstance(error, RequestValidationError)
    route: APIRoute = request.scope["route"]
    wrong = shapes.wrong_of(error, shapes.fields_of(route))
    meaning = meanings.get(route.operation_id or "")
    if meaning is not None:
        known = {each.field for each in wrong}
        rest = meaning.of_the_rest(error, await call_of(request), request.path_params)
        wrong += [each for each in wishes.in_requests(rest, brand) if each.field not in known]
    return invalid(*wrong).answer(id_of(request.scope))


def _of_routing(error: HTTPException, request: Request, brand: Brand) -> Refusal:
    """What the framework says when no route takes the request."""
    match HTTPStatus(error.status_code):
        case HTTPStatus.NOT_FOUND:
            return no_route(brand)
        case HTTPStatus.METHOD_NOT_ALLOWED:
            # Starlette names the methods of the first route with this path; there is one for each method.
            methods = ", ".join(sorted(_methods(request)))
            return Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED, f"use one of these methods here: {methods}", headers={"Allow": methods}
            )
        case _:
            return Refusal(HTTPStatus(error.status_code), error.detail, headers=error.headers)


def no_route(brand: Brand) -> Refusal:
    """Nothing is at this path: 404."""
    return Refusal(
        HTTPStatus.NOT_FOUND,
        f"there is nothing at this path: GET /brands/{brand.name}/openapi.json lists what there is",
    )


def _methods(request: Request) -> set[str]:
    """What may be done at this path (RFC 9110 section 10.2.1)."""
    routes = [route for route in request.app.routes if isinstance(route, APIRoute)]
    found = [route.methods or set() for route in routes if route.path_regex.fullmatch(request.url.path)]
    return set().union(*found)


async def _bug(request: Request, _error: Exception) -> Response:
    return bug(id_of(request.scope))
