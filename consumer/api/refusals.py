"""Which answer each refusal of the rooms below becomes.

The law: every exception that stands for a state of the world is listed here, once; one that is not is a bug, and its
answer says no more than that.
"""

from functools import partial
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from consumer.api import wishes
from consumer.api.problem import Refusal, Wrong, invalid, problem, unavailable
from consumer.brands.brand import Brand
from consumer.control.cursor import CursorInvalid
from consumer.control.idempotency import InProgress, KeyReused
from consumer.control.refusal import Conflict, Mismatch, QuotaReached, WebhookUnknown
from consumer.control.trial import TrialsBusy
from consumer.kafka.client import KafkaBroken
from consumer.replay.desk import DeskBusy
from consumer.replay.ledger import TakenOver
from consumer.webhooks.fields import FieldInvalid
from consumer.webhooks.keyring import SecretUnreadable

_STATUSES: Final[dict[type[Exception], HTTPStatus]] = {
    WebhookUnknown: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Mismatch: HTTPStatus.PRECONDITION_FAILED,
    QuotaReached: HTTPStatus.FORBIDDEN,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    TakenOver: HTTPStatus.CONFLICT,
}
_BUSY_AGAIN_S: Final = 2
_WHERE: Final = frozenset({"body", "query", "path", "header"})
_MALFORMED: Final = "json_invalid"


def refusal_of(error: Exception, brand: Brand) -> Refusal:
    """What a refusal of a room below is answered with."""
    if (status := _STATUSES.get(type(error))) is not None:
        return Refusal(status, str(error))
    match error:
        case Refusal():
            refusal = error
        case FieldInvalid():
            refusal = wishes.refused(error, brand)
        case CursorInvalid():
            refusal = invalid("cursor", str(error))
        case InProgress():
            refusal = Refusal(HTTPStatus.CONFLICT, str(error), headers={"Retry-After": "1"})
        case TrialsBusy() | DeskBusy():
            refusal = Refusal(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers={"Retry-After": str(_BUSY_AGAIN_S)})
        case KafkaBroken():
            refusal = unavailable("Kafka does not answer, so it is not known whether this was done: look and try again")
        case SecretUnreadable():
            refusal = unavailable("an encryption key is missing here: the operator has to bring it back", again_in_s=60)
        case RequestValidationError():
            refusal = _invalid_request(error)
        case _:
            assert isinstance(error, HTTPException)
            refusal = Refusal(HTTPStatus(error.status_code), error.detail, headers=error.headers)
    return refusal


def add_refusals(app: FastAPI, brand: Brand) -> None:
    """Make the app answer them."""
    mapped = (Refusal, FieldInvalid, CursorInvalid, InProgress, TrialsBusy, DeskBusy, KafkaBroken, SecretUnreadable)
    for kind in (*mapped, *_STATUSES, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, partial(_refused, brand))
    app.add_exception_handler(Exception, _bug)


def bug() -> Response:
    """What is said of a bug: nothing that could be a secret."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a bug on our side; it was written to our log")


async def _refused(brand: Brand, request: Request, error: Exception) -> Response:
    refusal = refusal_of(error, brand)
    if refusal.status is HTTPStatus.METHOD_NOT_ALLOWED:
        # Starlette names the methods of the first route with this path; there is one for each method.
        refusal.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return refusal.answer()


def _methods(request: Request) -> set[str]:
    """What may be done at this path (RFC 9110 section 10.2.1)."""
    routes = [route for route in request.app.routes if isinstance(route, APIRoute)]
    found = [route.methods or set() for route in routes if route.path_regex.fullmatch(request.url.path)]
    return set().union(*found)


async def _bug(_request: Request, _error: Exception) -> Response:
    return bug()


def _invalid_request(error: RequestValidationError) -> Refusal:
    wrong = [Wrong(field=_name(each["loc"]), message=_message(each)) for each in error.errors()]
    if any(each["type"] == _MALFORMED for each in error.errors()):
        return Refusal(HTTPStatus.BAD_REQUEST, "the body is not JSON (RFC 8259)")
    first = wrong[0]
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"{first.field}: {first.message}", errors=wrong)


def _name(location: tuple[str | int, ...]) -> str:
    parts = location[1:] if location and location[0] in _WHERE else location
    return ".".join(str(part) for part in parts) or "the body"


def _message(error: dict[str, object]) -> str:
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is no field that can be set here"
        case _:
            return str(error["msg"]).replace("Input should be", "must be")
