"""How large a compiled filter is. Pure.

The law: a filter of at most MAX_PARTS, its text no longer than a filter's may be, takes at most MAX_COMPILED_BYTES of
memory. A part is what a plain value takes; a field, an alternative or a rule takes several.
"""

from typing import Final, assert_never

from consumer.webhooks.pattern import Every, Leaf, Nested, Some
from consumer.webhooks.value_rules import (
    AnythingBut,
    Numeric,
    OneOf,
    Prefix,
    SameIgnoringCase,
    Suffix,
    ValueRule,
    Wildcard,
)

MAX_PARTS: Final = 500
MAX_COMPILED_BYTES: Final = 98_304
PARTS_OF_A_NODE: Final = 5


def parts_of(node: Every | Leaf | Nested | Some) -> int:
    """How much of a compiled pattern there is, in what a plain value takes."""
    match node:
        case Every():
            return PARTS_OF_A_NODE + sum(map(parts_of, node.conditions))
        case Some():
            return sum(map(parts_of, node.alternatives))
        case Nested():
            return PARTS_OF_A_NODE + parts_of(node.pattern)
        case Leaf():
            return PARTS_OF_A_NODE * (1 + len(node.presence)) + sum(map(_parts_of_rule, node.rules))
        case _:
            assert_never(node)


def _parts_of_rule(rule: ValueRule) -> int:
    match rule:
        case OneOf():
            return len(rule.values) + len(rule.words)
        case Wildcard():
            return PARTS_OF_A_NODE + len(rule.parts)
        case AnythingBut():
            return PARTS_OF_A_NODE + sum(map(_parts_of_rule, rule.rules))
        case Prefix() | Suffix() | SameIgnoringCase() | Numeric():
            return PARTS_OF_A_NODE
        case _:
            assert_never(rule)
