"""What the OpenAPI says beyond the routes' models: problems, headers, who may ask.

The law: whatever a route can answer stands at the route, and what every route can answer stands here. A document speaks
for its brand: it names nobody else.
"""

from http import HTTPStatus
from typing import Any, Final, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from consumer.api import problem
from consumer.api.answers import APPLIED
from consumer.api.once import DONE_ONCE, PARAMETER
from consumer.api.problem import Problem
from consumer.brands.brand import Brand

Responses: TypeAlias = dict[int | str, dict[str, Any]]  # Any: FastAPI's own shape of documented answers

_ALWAYS: Final = (400, 401, 403, 408, 413, 415, 422, 429, 503)
_DONE_ONCE: Final = (409, 422)
_SCHEMAS: Final = "#/components/schemas/"
_TELLS: Final = {
    400: "The request is malformed: its JSON, a header, or a body where none belongs.",
    401: "No key, or none that is valid.",
    403: "The key's scopes do not reach so far, or there may be no more webhooks.",
    404: "There is no such thing, or it is another tenant's.",
    408: "The body did not come within 10 seconds.",
    409: "Things are not so that it can be done: `code` may say why. Or it was changed by another request at the same "
    "moment, or a request with this Idempotency-Key is under way.",
    410: "It was there, and is kept no longer.",
    412: "Changed since it was read.",
    413: "The body is larger than 256 KiB.",
    415: "The body is not application/json.",
    422: "A field or a parameter cannot be so; or the Idempotency-Key was used for another request.",
    429: "Too many requests of this key, or your share of something that all share is taken.",
    503: "What is needed cannot be reached, so nothing is known to be done; or too many ask at once. Try again.",
}
_RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


def problems(*statuses: int) -> Responses:
    """These problems of a route, beside those that every route has."""
    return {status: _documented(status) for status in statuses}


def tagged(status: int, description: str) -> Responses:
    """A success that carries an ETag."""
    tag = {"description": "The write version, for If-Match.", "schema": {"type": "string"}}
    return {status: {"description": description, "headers": {"ETag": tag}}}


def written(status: int, description: str, *, tag: bool = True) -> Responses:
    """A success of a write: with an ETag, where there is still a webhook, and a header where deliveries lag behind."""
    headers = dict(tagged(status, description)[status]["headers"]) if tag else {}
    headers[APPLIED] = {
        "description": "false: the change is written, and deliveries will follow it. Absent: they follow it already.",
        "schema": {"type": "string", "enum": ["false"]},
    }
    return {status: {"description": description, "headers": headers}}


def document(app: FastAPI, brand: Brand) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a brand's app."""
    told = get_openapi(
        title=f"{brand.title} webhooks",
        version="1",
        summary="Create, look at, change, test and delete webhooks; look at what was sent; replay what failed.",
        routes=app.routes,
        tags=[
            {"name": "webhooks", "description": "Endpoints of yours that receive events."},
            {"name": "event types", "description": "What there is to subscribe to."},
            {"name": "log", "description": "What was sent to your endpoints, and what they answered."},
            {"name": "dead letters", "description": "Deliveries that failed for good."},
            {"name": "jobs", "description": "What is sent again, counted and at a pace."},
            {"name": "keys", "description": "API keys, for a tenant's administrator."},
            {"name": "audit", "description": "Who did what."},
            {"name": "portal", "description": "Pages for your customers, to be linked to or framed."},
        ],
    )
    components = told.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)  # the framework's, of which no route of ours answers anything
    described = Problem.model_json_schema(ref_template=_SCHEMAS + "{model}")
    schemas.update(described.pop("$defs"))
    schemas["Problem"] = described
    for schema in schemas.values():
        if "enum" in schema:
            schema.pop("description", None)  # a docstring of ours, for whoever reads the code
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": f"An API key, as in `Authorization: Bearer {brand.key_prefix}…`.",
        }
    }
    told["security"] = [{"key": []}]
    for method, operation in (each for path in told["paths"].values() for each in path.items()):
        _complete(operation, done_once=DONE_ONCE[method.upper()])
    return told


def _complete(operation: dict[str, Any], *, done_once: bool) -> None:
    statuses = (*_ALWAYS, *_DONE_ONCE) if done_once else _ALWAYS
    answers = operation["responses"] | {str(status): _documented(status) for status in statuses}
    if done_once:
        operation["parameters"] = [*operation.get("parameters", []), dict(PARAMETER)]
    operation["responses"] = dict(sorted(answers.items()))
    body = operation.get("requestBody")
    if body is not None and not body.get("required"):
        _may_be_absent(body["content"]["application/json"])


def _may_be_absent(content: dict[str, Any]) -> None:
    """A body that need not be there: FastAPI calls it nullable too, and generated clients then send nonsense."""
    content["schema"] = next(each for each in content["schema"]["anyOf"] if "$ref" in each)


def _documented(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": _TELLS.get(status, problem.title(HTTPStatus(status))),
        "content": {problem.MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS + "Problem"}}},
    }
    return told | ({"headers": _RETRY_AFTER} if status in {409, 429, 503} else {})
