"""Members of JSON objects that are written twice: readers disagree about which of them counts (RFC 8259 section 4).

The law: total on valid JSON, at the cost of reading it once, however deep it nests and however much is written twice.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Final, TypeAlias

_MOST: Final = 20  # who wrote more mends these first

Path: TypeAlias = tuple[str | int, ...]
_Way: TypeAlias = tuple["_Way", str | int] | None  # the way to a value, from the inside out: it costs a step to go on


def repeated_names(text: bytes | str) -> list[Path]:
    """Where the first 20 are: names and places in arrays, from the outside in, in the text's order. Of checked JSON.

    Raises:
        RecursionError: it nests deeper than Python's own reader can go.
    """
    # No number is made of digits, however many: none is looked at.
    read = json.loads(text, object_pairs_hook=_Members, parse_int=len, parse_float=len)
    return list(islice(_found(read), _MOST))


class _Members:
    """An object's members as they were written."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        self.pairs = pairs


def _found(value: object) -> Iterator[Path]:
    stack: list[tuple[_Way, object]] = [(None, value)]
    while stack:
        way, each = stack.pop()
        inner: list[tuple[_Way, object]] = []
        if isinstance(each, list):
            inner = [((way, number), item) for number, item in enumerate(each) if isinstance(item, list | _Members)]
        elif isinstance(each, _Members):
            seen: dict[str, int] = {}
            for name, item in each.pairs:
                seen[name] = seen.get(name, 0) + 1
                if seen[name] == 2:  # noqa: PLR2004 # once for each name, however often it comes
                    yield _path((way, name))
                inner.append(((way, name), item))
        stack.extend(reversed(inner))


def _path(way: _Way) -> Path:
    steps: list[str | int] = []
    while way is not None:
        way, step = way
        steps.append(step)
    return tuple(reversed(steps))
