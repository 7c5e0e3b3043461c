"""What a request may hold beside what its route's models ask for: nothing.

The law: whatever is sent is used or refused. No parameter is passed over, of two with one name none is chosen, and a
body where none belongs is told. JSON is RFC 8259's: no NaN, no lone surrogates, no nesting without end, no name twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Final, get_origin

import msgspec
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.datastructures import Headers

from consumer.api.problem import Refusal, invalid
from consumer.api.shapes import named
from consumer.repeated_names import repeated_names
from consumer.webhooks.wrong import Code, Wrong

_MOST_TOLD: Final = 20
_ONCE: Final = ("If-Match", "Content-Type")


def parameters_of(route: APIRoute) -> Mapping[str, bool]:
    """The names of what a route itself takes in its query, and whether several may be given of each."""
    names: dict[str, bool] = {}
    for field in route.dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= {inner.alias or name: _is_list(inner.annotation) for name, inner in kind.model_fields.items()}
        else:
            names[field.alias] = _is_list(kind)
    return names


def check_query(given: Sequence[tuple[str, str]], parameters: Mapping[str, bool]) -> None:
    """Whether each parameter is one of these, and there once where there cannot be several. Raises Refusal: 422."""
    names = [name for name, _ in given]
    known = f"there {'are' if parameters else 'is'} {', '.join(sorted(parameters)) or 'none'}"
    _refuse(
        Wrong(field=named(name), code=Code.UNKNOWN, message=f"is no parameter here: {known}")
        if name not in parameters
        else Wrong(field=name, code=Code.DUPLICATE, message="is given more than once: give it once")
        for name in dict.fromkeys(names)
        if name not in parameters or (names.count(name) > 1 and not parameters[name])
    )


def _is_list(kind: object) -> bool:
    return get_origin(kind) is list


def check_headers(headers: Headers) -> None:
    """Whether what has one meaning is there once. Raises Refusal: 400."""
    for name in _ONCE:
        if len(headers.getlist(name)) > 1:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"{name}: send it once, with all of its values in it")


def json_of(body: bytes) -> object:
    """What the JSON of a body says. Raises Refusal: 400, it is none; 422, it says something twice."""
    try:
        value: object = msgspec.json.decode(body)
        repeated = repeated_names(body)
    except (ValueError, RecursionError):
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "the body is not JSON (RFC 8259): send one JSON object in UTF-8, without NaN and lone surrogates",
        ) from None
    _refuse(Wrong(field=named(*path), code=Code.DUPLICATE, message="is written more than once") for path in repeated)
    return value


def check_bodiless(body: bytes) -> None:
    """Whether there is no body. Raises Refusal: 400."""
    if body:
        raise Refusal(HTTPStatus.BAD_REQUEST, "nothing can be said in a body here: send none")


def _refuse(wrong: Iterable[Wrong]) -> None:
    if found := list(wrong)[:_MOST_TOLD]:
        raise invalid(*found)
