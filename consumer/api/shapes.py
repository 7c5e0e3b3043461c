"""What is said of a request that does not have the shape of its route: a body, a query, a header of another form.

The law: every fault the models find is told, with its code, under the name that was written; and no value is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

from consumer.api.problem import Refusal, invalid
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


def refused(error: RequestValidationError) -> Refusal:
    """All that the models found wrong: 422."""
    return invalid(*map(_wrong, error.errors()))


def named(*path: str | int) -> str:
    """A field by its path, dots between the names; not all of a name that is longer than any of ours."""
    return ".".join(str(part)[:_LONGEST_NAME] for part in path) or "the body"


def _wrong(error: Mapping[str, Any]) -> Wrong:  # Any: pydantic's own shape of an error
    code = _CODES.get(str(error["type"]), Code.WRONG_TYPE)
    message = _SAID.get(code) or str(error["msg"]).replace("Input should be", "must be")
    return Wrong(field=named(*_path(error["loc"])), code=code, message=message)


def _path(location: Sequence[str | int]) -> Sequence[str | int]:
    return location[1:] if location and location[0] in _WHERE else location
