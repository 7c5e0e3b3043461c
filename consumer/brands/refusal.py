"""Why a brand cannot be used: always the file, its field and what to do."""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from consumer.settings import ConfigurationError


class BrandInvalid(ConfigurationError):  # noqa: N818 # it names a state, as the glossary does
    """A brand's file cannot be used: `field` is the file's name, the message names its field and what to do."""


class BrandUnknown(LookupError):  # noqa: N818 # same
    """There is no brand of this name; the message lists those there are."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no brand {name!r}; choose from {', '.join(sorted(known))}")


class Part(BaseModel):
    """Part of a brand's file: exactly these fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Line: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

_FIXES: Final = {
    "missing": "is missing: add it",
    "extra_forbidden": "is no field that a brand has: remove it, or correct its name",
    "string_too_short": "must not be empty",
}


def matching(pattern: str, wanted: str) -> Callable[[str], str]:
    """A check of a text, to be put behind `AfterValidator`; `wanted` completes the sentence "must be …"."""
    whole = re.compile(pattern)

    def check(text: str) -> str:
        if whole.fullmatch(text) is None:
            raise ValueError(f"must be {wanted}")
        return text

    return check


EventType: TypeAlias = Annotated[
    str, AfterValidator(matching(r"[a-z0-9_]+(\.[a-z0-9_]+)*", "lower-case words with dots between, as in order.paid"))
]


def refused(file: str, error: ValidationError) -> BrandInvalid:
    """What pydantic found wrong first in a file."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "the file"
    said = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return BrandInvalid(file, f"{field}: {_FIXES.get(first['type'], said)}")
