"""Members of JSON objects that are written twice: readers disagree about which of them counts (RFC 8259 section 4).

The law: total on valid JSON, at the cost of reading it once.
"""

import json
from collections.abc import Iterator
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]


def repeated_names(text: bytes | str) -> list[Path]:
    """Where they are: names and places in arrays, from the outside in, in the text's order. Of JSON that was checked.

    Raises:
        RecursionError: it nests deeper than Python's own reader can go.
    """
    # No number is made of digits, however many: none is looked at.
    read = json.loads(text, object_pairs_hook=_Members, parse_int=len, parse_float=len)
    return list(_found((), read))


class _Members:
    """An object's members as they were written."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        self.pairs = pairs


def _found(path: Path, value: object) -> Iterator[Path]:
    stack: list[tuple[Path, object]] = [(path, value)]
    while stack:
        at, each = stack.pop()
        inner: list[tuple[Path, object]] = []
        if isinstance(each, list):
            inner = [((*at, number), item) for number, item in enumerate(each) if isinstance(item, list | _Members)]
        elif isinstance(each, _Members):
            seen: dict[str, int] = {}
            for name, item in each.pairs:
                seen[name] = seen.get(name, 0) + 1
                if seen[name] == 2:  # noqa: PLR2004 # once for each name, however often it comes
                    yield (*at, name)
                inner.append(((*at, name), item))
        stack.extend(reversed(inner))
