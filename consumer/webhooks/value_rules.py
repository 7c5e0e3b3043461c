"""The rules of a payload filter on a single value.

The law: each rule has an answer for every value that JSON has, and its cost rises no faster than the value's length.
"""

import operator
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

Scalar: TypeAlias = bool | int | float | str | None

COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}

_LARGEST: Final = sys.float_info.max
_FEW: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """The value equals one of these, as in JSON: true is not 1, but 1 is 1.0. True, false and null are the `words`."""

    values: Collection[int | float | str]
    words: tuple[bool | None, ...] = ()

    @classmethod
    def of(cls, values: Iterable[Scalar]) -> Self:
        """Of these, each once. A set takes more memory than a few need."""
        words: list[bool | None] = []
        others: set[int | float | str] = set()
        for value in values:
            if value is None or isinstance(value, bool):
                words.append(value)
            else:
                others.add(value)
        return cls(
            values=tuple(others) if len(others) <= _FEW else frozenset(others), words=tuple(dict.fromkeys(words))
        )

    def accepts(self, value: Scalar) -> bool:
        if value is None or isinstance(value, bool):
            return any(value is word for word in self.words)
        return value in self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The string begins so."""

    text: str
    ignore_case: bool = False

    def accepts(self, value: Scalar) -> bool:
        if not isinstance(value, str):
            return False
        return (value.casefold() if self.ignore_case else value).startswith(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffix:
    """The string ends so."""

    text: str
    ignore_case: bool = False

    def accepts(self, value: Scalar) -> bool:
        if not isinstance(value, str):
            return False
        return (value.casefold() if self.ignore_case else value).endswith(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class SameIgnoringCase:
    """The string equals this one but for case."""

    folded: str

    def accepts(self, value: Scalar) -> bool:
        return isinstance(value, str) and value.casefold() == self.folded


@dataclass(frozen=True, slots=True, kw_only=True)
class Wildcard:
    """The literal parts between the stars, in order: greedy search needs no backtracking, so the cost is linear."""

    parts: tuple[str, ...]

    def accepts(self, value: Scalar) -> bool:
        if not isinstance(value, str):
            return False
        first, *middle, last = self.parts
        end = len(value) - len(last)
        if end < len(first) or not value.startswith(first) or not value.endswith(last):
            return False
        at = len(first)
        for part in middle:
            found = value.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """The number meets every comparison: one, or two for a range.

    A number beyond a double's range meets none, however it was written: it is too large to compare.
    """

    comparisons: tuple[tuple[str, int | float], ...]

    def accepts(self, value: Scalar) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return -_LARGEST <= value <= _LARGEST and all(
            COMPARISONS[name](value, bound) for name, bound in self.comparisons
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnythingBut:
    """The value is there and none of the rules accepts it."""

    rules: tuple["ValueRule", ...]

    def accepts(self, value: Scalar) -> bool:
        return not any(rule.accepts(value) for rule in self.rules)


ValueRule: TypeAlias = OneOf | Prefix | Suffix | SameIgnoringCase | Wildcard | Numeric | AnythingBut
