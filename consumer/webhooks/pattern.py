"""The compiled form of a payload filter: fields joined by *and*, alternatives by *or*, rules on values at its leaves.

The law: matching is total on any JSON value, never recurses into the data deeper than the pattern does, and takes no
more steps than its `Effort` holds: rules times values would be minutes, where both are as many as they may be.

The meaning is that of Amazon EventBridge's event patterns. An array matches when any of its elements does; a nested
pattern on an array of objects must be met by one element as a whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from consumer.json import Json
from consumer.webhooks.value_rules import Scalar, ValueRule

_CHARACTERS_A_STEP: Final = 32


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
class Exists:
    """The field is there, whatever it holds, or is not."""

    wanted: bool


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
