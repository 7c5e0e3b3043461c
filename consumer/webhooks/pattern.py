"""The compiled form of a payload filter: rules on values, fields joined by *and*, alternatives by *or*.

The law: matching is total on any JSON value, never recurses into the data deeper than the pattern does, and takes no
more steps than its `Effort` holds: rules times values would be minutes, where both are as many as they may be.

The meaning is that of Amazon EventBridge's event patterns. An array matches when any of its elements does; a nested
pattern on an array of objects must be met by one element as a whole.
"""

import operator
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from consumer.json import Json

Scalar: TypeAlias = bool | int | float | str | None

COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}

_LARGEST: Final = sys.float_info.max


_CHARACTERS_A_STEP: Final = 32
_FEW: Final = 8


class TooCostly(Exception):  # noqa: N818 - it is a verdict on a filter and an event, not an error of ours
    """The steps are used up. Raised and caught inside this room only."""


class Effort:
    """The steps that matching may still take: one for each value and each rule that looks at it, more for long texts.

    A step takes less than a microsecond. Afterwards `is_spent` tells whether they were too few.
    """

    __slots__ = ("_left",)

    def __init__(self, steps: int) -> None:
        self._left = steps

    @property
    def is_spent(self) -> bool:
        return self._left < 0

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooCostly


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """The field is there, whatever it holds, or is not."""

    wanted: bool


ValueRule: TypeAlias = OneOf | Prefix | Suffix | SameIgnoringCase | Wildcard | Numeric | AnythingBut


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A field that must meet one of the rules: whether it is there, or on one of its values."""

    name: str
    presence: tuple[Exists, ...]
    rules: tuple[ValueRule, ...]

    def matches(self, data: Mapping[str, Json], effort: Effort) -> bool:
        effort.spend(1)
        present = self.name in data
        if any(rule.wanted is present for rule in self.presence):
            return True
        return present and any(self._accepts(value, effort) for value in _scalars(data[self.name], effort))

    def _accepts(self, value: Scalar, effort: Effort) -> bool:
        characters = len(value) if isinstance(value, str) else 0
        effort.spend(len(self.rules) * (1 + characters // _CHARACTERS_A_STEP))
        return any(rule.accepts(value) for rule in self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """A field whose object meets the pattern. A field that holds no object counts as an empty one."""

    name: str
    pattern: "Every"

    def matches(self, data: Mapping[str, Json], effort: Effort) -> bool:
        effort.spend(1)
        empty = True
        for each in objects_in(data.get(self.name), effort):
            empty = False
            if self.pattern.matches(each, effort):
                return True
        return empty and self.pattern.matches({}, effort)


@dataclass(frozen=True, slots=True, kw_only=True)
class Some:
    """`$or`: at least one alternative is met."""

    alternatives: tuple["Every", ...]

    def matches(self, data: Mapping[str, Json], effort: Effort) -> bool:
        return any(pattern.matches(data, effort) for pattern in self.alternatives)


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """A pattern: all its conditions are met."""

    conditions: tuple[Leaf | Nested | Some, ...]

    def matches(self, data: Mapping[str, Json], effort: Effort) -> bool:
        return all(condition.matches(data, effort) for condition in self.conditions)


def _flat(value: Json, effort: Effort) -> Iterator[Json]:
    """The value, or an array's elements at any depth; on a stack of our own, so that deep data cannot exhaust it."""
    stack = [iter((value,))]
    while stack:
        for each in stack[-1]:
            effort.spend(1)
            if isinstance(each, list):
                stack.append(iter(each))
                break
            yield each
        else:
            stack.pop()


def _scalars(value: Json, effort: Effort) -> Iterator[Scalar]:
    for each in _flat(value, effort):
        if not isinstance(each, dict | list):
            yield each


def objects_in(value: Json, effort: Effort) -> Iterator[Mapping[str, Json]]:
    """The objects there: the value, or those of an array."""
    for each in _flat(value, effort):
        if isinstance(each, dict):
            yield each
