"""A payload filter, from the JSON its customer wrote to a compiled pattern.

The law: what compiles here can be matched, within the steps that a match may take; everything else is refused with the
place in the pattern and the fix. A filter that needs more steps has no say, and the event is wanted: one that is sent
too many can be repaired, one too few can not.

The language is that of Amazon EventBridge's event patterns, applied to the event's payload.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import msgspec

from consumer.json import Json
from consumer.webhooks.filter_size import MAX_PARTS, PARTS_OF_A_NODE, parts_of
from consumer.webhooks.pattern import Effort, Every, Exists, Leaf, Nested, Some, TooCostly
from consumer.webhooks.value_rules import (
    COMPARISONS,
    AnythingBut,
    Numeric,
    OneOf,
    Prefix,
    SameIgnoringCase,
    Scalar,
    Suffix,
    ValueRule,
    Wildcard,
)

MAX_PATTERN_BYTES: Final = 8_192
MAX_PATTERN_DEPTH: Final = 16
MAX_WILDCARDS: Final = 16
MOST_STEPS: Final = 200_000
_RANGE = 4

_RULES = "prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric or exists"
_EMPTY = "is empty, which would accept nothing: name at least one value"


class FilterInvalid(ValueError):  # noqa: N818 # it names a state, as the glossary does
    """The filter cannot be used. `path` is the place in the pattern, the message says what to write instead."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A compiled filter."""

    pattern: Every

    def matches(self, data: Json, effort: Effort | None = None) -> bool:
        """Whether the payload is wanted. Total: a payload that is not an object is treated as an empty one."""
        try:
            return self.pattern.matches(data if isinstance(data, dict) else {}, effort or Effort(MOST_STEPS))
        except TooCostly:
            return True


def compile_filter(filter_json: str) -> Filter:
    """Compile a filter.

    Raises:
        FilterInvalid: it is not JSON, too large or deep, has too many parts, or is not an event pattern.
    """
    try:
        encoded = filter_json.encode()
    except UnicodeEncodeError:
        raise FilterInvalid("$", "has half of a surrogate pair, which is no character: write the whole one") from None
    if len(encoded) > MAX_PATTERN_BYTES:
        raise FilterInvalid("$", f"is {len(encoded)} bytes, more than the {MAX_PATTERN_BYTES} allowed")
    try:
        parsed: Json = msgspec.json.decode(encoded)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FilterInvalid("$", f"is not JSON: {error}") from None
    pattern = _every(parsed, "$", 1)
    parts = parts_of(pattern)
    if parts > MAX_PARTS:
        raise FilterInvalid(
            "$",
            f"has {parts} parts, more than the {MAX_PARTS} allowed: a plain value is one, each field, alternative of "
            f"$or and rule is {PARTS_OF_A_NODE}",
        )
    return Filter(pattern=pattern)


def _every(value: Json, path: str, depth: int) -> Every:
    if not isinstance(value, dict):
        raise FilterInvalid(path, 'must be an object of fields, as in {"status": ["open"]}')
    if not value:
        raise FilterInvalid(path, "is empty: name at least one field, or leave the filter out")
    if depth > MAX_PATTERN_DEPTH:
        raise FilterInvalid(path, f"is nested deeper than {MAX_PATTERN_DEPTH} levels")
    return Every(conditions=tuple(_condition(name, each, f"{path}.{name}", depth) for name, each in value.items()))


def _condition(name: str, value: Json, path: str, depth: int) -> Leaf | Nested | Some:
    if name == "$or":
        if not isinstance(value, list) or not value:
            raise FilterInvalid(path, 'must be an array of patterns, as in [{"a": [1]}, {"b": [2]}]')
        return Some(alternatives=tuple(_every(each, f"{path}[{i}]", depth + 1) for i, each in enumerate(value)))
    if isinstance(value, dict):
        return Nested(name=name, pattern=_every(value, path, depth + 1))
    if not isinstance(value, list):
        raise FilterInvalid(path, f"must be an array of accepted values: write [{_shown(value)}]")
    if not value:
        raise FilterInvalid(path, _EMPTY)
    return _leaf(name, value, path)


def _leaf(name: str, values: list[Json], path: str) -> Leaf:
    """Exact values become one set, however many there are."""
    exact: list[Scalar] = []
    presence: list[Exists] = []
    others: list[ValueRule] = []
    for index, value in enumerate(values):
        if isinstance(value, dict):
            rule = _rule(value, f"{path}[{index}]")
            if isinstance(rule, Exists):
                presence.append(rule)
            else:
                others.append(rule)
        elif isinstance(value, list):
            raise FilterInvalid(f"{path}[{index}]", "is an array in an array: list the accepted values in one array")
        else:
            exact.append(value)
    rules = (*([OneOf.of(exact)] if exact else []), *others)
    return Leaf(name=name, presence=tuple(presence), rules=rules)


def _rule(value: dict[str, Json], path: str) -> ValueRule | Exists:
    name, operand = _single(value, path)
    path = f"{path}.{name}"
    if name == "exists":
        if not isinstance(operand, bool):
            raise FilterInvalid(path, "must be true or false")
        return Exists(wanted=operand)
    if name == "anything-but":
        return AnythingBut(rules=_excluded(operand, path))
    return _value_rule(name, operand, path)


def _value_rule(name: str, operand: Json, path: str) -> ValueRule:
    match name:
        case "prefix":
            text, ignore_case = _affix(operand, path)
            return Prefix(text=text, ignore_case=ignore_case)
        case "suffix":
            text, ignore_case = _affix(operand, path)
            return Suffix(text=text, ignore_case=ignore_case)
        case "equals-ignore-case":
            return SameIgnoringCase(folded=_text(operand, path).casefold())
        case "wildcard":
            return _wildcard(_text(operand, path), path)
        case "numeric":
            return Numeric(comparisons=_comparisons(operand, path))
        case _:
            raise FilterInvalid(path, f"is not a known rule: use {_RULES}")


def _excluded(operand: Json, path: str) -> tuple[ValueRule, ...]:
    """`anything-but` takes one value, an array of values, or one rule on strings whose operand may be an array too."""
    if isinstance(operand, dict):
        name, inner = _single(operand, path)
        if name not in {"prefix", "suffix", "equals-ignore-case", "wildcard"}:
            raise FilterInvalid(
                f"{path}.{name}", "is not possible here: use prefix, suffix, equals-ignore-case, wildcard"
            )
        inners = inner if isinstance(inner, list) else [inner]
        if not inners:
            raise FilterInvalid(f"{path}.{name}", _EMPTY)
        return tuple(_value_rule(name, each, f"{path}.{name}") for each in inners)
    values = operand if isinstance(operand, list) else [operand]
    if not values:
        raise FilterInvalid(path, _EMPTY)
    scalars = [value for value in values if not isinstance(value, dict | list)]
    if len(scalars) != len(values):
        raise FilterInvalid(path, "takes plain values, or one rule as an object")
    return (OneOf.of(scalars),)


def _comparisons(operand: Json, path: str) -> tuple[tuple[str, int | float], ...]:
    example = 'must be as in [">", 0, "<=", 5] or ["=", 3]'
    if not isinstance(operand, list) or len(operand) not in {2, _RANGE}:
        raise FilterInvalid(path, example)
    pairs: list[tuple[str, int | float]] = []
    for name, bound in zip(operand[::2], operand[1::2], strict=True):
        if not isinstance(name, str) or name not in COMPARISONS:
            raise FilterInvalid(path, f"{_shown(name)} is not a comparison: use <, <=, =, >= or >")
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise FilterInvalid(path, f"{_shown(bound)} is not a number")
        pairs.append((name, bound))
    for (low, least), (high, most) in pairwise(pairs):
        if low not in {">", ">="} or high not in {"<", "<="}:
            raise FilterInvalid(path, 'a range is a lower and an upper bound, in this order: [">", 0, "<=", 5]')
        if least > most:
            raise FilterInvalid(path, "is a range that no number can meet")
    return tuple(pairs)


def _wildcard(text: str, path: str) -> ValueRule:
    r"""`*` stands for any run of characters, `\*` for a star, `\\` for a backslash."""
    parts = [""]
    characters = iter(text)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            if escaped not in {"*", "\\"}:
                raise FilterInvalid(path, r"a backslash stands before * or \ only")
            parts[-1] += escaped
        elif character == "*":
            parts.append("")
        else:
            parts[-1] += character
    if len(parts) > MAX_WILDCARDS + 1:
        raise FilterInvalid(path, f"has more than {MAX_WILDCARDS} stars")
    return Wildcard(parts=tuple(parts)) if len(parts) > 1 else OneOf.of(parts)


def _affix(operand: Json, path: str) -> tuple[str, bool]:
    if isinstance(operand, dict):
        name, inner = _single(operand, path)
        if name != "equals-ignore-case":
            raise FilterInvalid(f"{path}.{name}", "is not possible here: use a string or equals-ignore-case")
        return _text(inner, f"{path}.{name}").casefold(), True
    return _text(operand, path), False


def _text(operand: Json, path: str) -> str:
    if not isinstance(operand, str):
        raise FilterInvalid(path, f"must be a string, not {_shown(operand)}")
    return operand


def _single(value: dict[str, Json], path: str) -> tuple[str, Json]:
    if len(value) != 1:
        raise FilterInvalid(path, f"must be exactly one rule: {_RULES}")
    return next(iter(value.items()))


def _shown(value: Json) -> str:
    return msgspec.json.encode(value).decode()[:60]
