"""What is wrong with what somebody asked for: which field, which kind of fault, and what to write instead.

The law: a fault has a code that never changes its meaning, so that a program can act on it; its message is for a person
and repeats no secret. All that is wrong is told at once. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

T = TypeVar("T")


class Code(StrEnum):
    """The kinds of fault; see `DESCRIPTIONS`."""

    MISSING = "missing"
    NULL = "null"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"
    REUSED = "reused"
    WRONG_TYPE = "wrong_type"
    MALFORMED = "malformed"
    NOT_A_CHOICE = "not_a_choice"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    TOO_MANY = "too_many"
    OUT_OF_RANGE = "out_of_range"
    FORBIDDEN_CHARACTER = "forbidden_character"
    PLACEHOLDER = "placeholder"
    RESERVED = "reserved"
    GUESSABLE = "guessable"
    NOT_HTTPS = "not_https"
    NOT_PUBLIC = "not_public"
    UNRESOLVED = "unresolved"
    UNKNOWN_EVENT_TYPE = "unknown_event_type"
    NOT_A_FILTER = "not_a_filter"
    FIXED = "fixed"


DESCRIPTIONS: Final[Mapping[Code, str]] = {
    Code.MISSING: "It has to be there.",
    Code.NULL: "It cannot be null: leave it out to keep it.",
    Code.UNKNOWN: "There is no such field or parameter here.",
    Code.DUPLICATE: "It is given more than once.",
    Code.REUSED: "It was used for another request: each has one of its own.",
    Code.WRONG_TYPE: "It is JSON of another type.",
    Code.MALFORMED: "It does not have the form that it must have.",
    Code.NOT_A_CHOICE: "It is none of the values that may be chosen.",
    Code.EMPTY: "It is there and empty.",
    Code.TOO_LONG: "It has too many characters or bytes.",
    Code.TOO_SHORT: "It has too few characters or bytes.",
    Code.TOO_MANY: "It lists too much.",
    Code.OUT_OF_RANGE: "It is a number or a time outside of its bounds.",
    Code.FORBIDDEN_CHARACTER: "It contains a character that could deceive or break a reader.",
    Code.PLACEHOLDER: "It stands for a value that is not shown, and there is none to keep.",
    Code.RESERVED: "The name belongs to the delivery itself.",
    Code.GUESSABLE: "It is a secret that could be guessed.",
    Code.NOT_HTTPS: "The endpoint has to be https.",
    Code.NOT_PUBLIC: "The endpoint is at no public address.",
    Code.UNRESOLVED: "The endpoint's host could not be looked up just now.",
    Code.UNKNOWN_EVENT_TYPE: "There is no such event type.",
    Code.NOT_A_FILTER: "It is no event pattern.",
    Code.FIXED: "It was decided when the webhook was created, and is another one.",
}
"""What each says of its field: docs/api.md has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One fault. `field` is its name in the model, dots between names inside each other."""

    field: str
    code: Code
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class FieldInvalid(ValueError):  # noqa: N818 # it names a state, as the glossary does
    """Fields are refused: `wrong` is at least one of them."""

    def __init__(self, *wrong: Wrong) -> None:
        assert wrong
        super().__init__("; ".join(map(str, wrong)))
        self.wrong = wrong

    @property
    def field(self) -> str:
        """The name of the first field that is wrong."""
        return self.wrong[0].field

    @property
    def message(self) -> str:
        """What is wrong with the first."""
        return self.wrong[0].message

    def renamed(self, name: Callable[[str], str]) -> "FieldInvalid":
        """The same under other names of the fields."""
        return FieldInvalid(
            *(Wrong(field=name(each.field), code=each.code, message=each.message) for each in self.wrong)
        )


def invalid(field: str, code: Code, message: str) -> FieldInvalid:
    """One field that cannot be."""
    return FieldInvalid(Wrong(field=field, code=code, message=message))


def check_each(checks: Iterable[Callable[[], object]]) -> None:
    """Make all of these checks. Raises FieldInvalid: of all that failed, if any did."""
    wrong: list[Wrong] = []
    for check in checks:
        try:
            check()
        except FieldInvalid as error:
            wrong += error.wrong
    if wrong:
        raise FieldInvalid(*wrong)


class Faults:
    """Gathers what is wrong with several fields. A field that one check refused is not told by a later one again."""

    def __init__(self) -> None:
        self._found: list[Wrong] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def found(self) -> tuple[Wrong, ...]:
        """All of it, in the order of the checks."""
        return tuple(self._found)

    def add(self, *wrong: Wrong) -> None:
        """These are wrong too."""
        known = {each.field for each in self._found}
        self._found += [each for each in wrong if each.field not in known]

    def checked(self, check: Callable[[T], T], value: T) -> T:
        """The value as the check leaves it; as it came, where it is refused."""
        try:
            return check(value)
        except FieldInvalid as error:
            self.add(*error.wrong)
            return value

    def looked(self, check: Callable[[], object]) -> None:
        """A check that leaves nothing behind."""
        try:
            check()
        except FieldInvalid as error:
            self.add(*error.wrong)

    def tell(self) -> None:
        """Raises FieldInvalid: of everything that was found, if anything was."""
        if self._found:
            raise FieldInvalid(*self._found)
