"""What is said of a request that does not have the shape of its route: a body, a query, a header of another form.

The law: every fault the models find is told, with its code, under the name that was written; and no value is.
"""

import copy
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, get_args

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from consumer.settings import nearest
from consumer.webhooks.wrong import Code, Wrong

_WHERE: Final = frozenset({"body", "query", "path", "header"})
_LONGEST_NAME: Final = 100

# Pydantic's kinds of error; each of the others says that a value is of another type.
_CODES: Final[Mapping[str, Code]] = {
    "missing": Code.MISSING,
    "extra_forbidden": Code.UNKNOWN,
    "enum": Code.NOT_A_CHOICE,
    "literal_error": Code.NOT_A_CHOICE,
    "string_too_long": Code.TOO_LONG,
    "string_too_short": Code.TOO_SHORT,
    "too_long": Code.TOO_MANY,
    "too_short": Code.EMPTY,
    "greater_than_equal": Code.OUT_OF_RANGE,
    "less_than_equal": Code.OUT_OF_RANGE,
    "finite_number": Code.OUT_OF_RANGE,
    "int_parsing": Code.MALFORMED,
    "int_parsing_size": Code.OUT_OF_RANGE,
}
_SAID: Final[Mapping[Code, str]] = {
    Code.MISSING: "is missing",
    Code.UNKNOWN: "is no field that can be set here",
}


def wrong_of(error: RequestValidationError, fields: Collection[str] = ()) -> list[Wrong]:
    """All that the models found wrong. `fields` are those of the body: one of them may have been meant."""
    return [_wrong(each, fields) for each in error.errors()]


def fields_of(route: APIRoute) -> Collection[str]:
    """The fields of a route's body, as they are written."""
    kind = None if route.body_field is None else route.body_field.field_info.annotation
    models = (each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, BaseModel))
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def rest_of(error: RequestValidationError, model: type[BaseModel]) -> BaseModel | None:
    """The body without what the models refused; None where the rest alone is none either."""
    rest = copy.deepcopy(error.body)
    for each in error.errors():
        _leave_out(rest, _path(each["loc"]))
    try:
        return model.model_validate(rest)
    except ValidationError:
        return None


def _leave_out(node: object, path: Sequence[str | int]) -> None:
    """The member at this path; a list goes as a whole."""
    for name, following in pairwise((*path, None)):
        if not isinstance(node, dict) or not isinstance(name, str):
            return
        if isinstance(following, str) and isinstance(node.get(name), dict):
            node = node[name]
        else:
            node.pop(name, None)
            return


def named(*path: str | int) -> str:
    """A field by its path, dots between the names; not all of a name that is longer than any of ours."""
    return ".".join(str(part)[:_LONGEST_NAME] for part in path) or "the body"


def _wrong(error: Mapping[str, Any], fields: Collection[str]) -> Wrong:  # Any: pydantic's own shape of an error
    code, path = _CODES.get(str(error["type"]), Code.WRONG_TYPE), _path(error["loc"])
    message = _SAID.get(code) or str(error["msg"]).replace("Input should be", "must be")
    if code is Code.UNKNOWN and len(path) == 1 and (meant := _meant(str(path[0]), fields)) is not None:
        message += f": did you mean {meant}?"
    return Wrong(field=named(*path), code=code, message=message)


def _meant(name: str, fields: Collection[str]) -> str | None:
    """The field that is most like this name, however its words are joined: `rate_limit` means `rateLimit`."""
    written = {each.replace("_", "").lower(): each for each in fields}
    closest = nearest(name[:_LONGEST_NAME].replace("_", "").lower(), written)
    return None if closest is None else written[closest]


def _path(location: Sequence[str | int]) -> Sequence[str | int]:
    if location and location[0] == "query":
        return location[1:2]  # of several values of one parameter none has a name of its own
    return location[1:] if location and location[0] in _WHERE else location
