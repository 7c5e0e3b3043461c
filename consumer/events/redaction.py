"""Parts of an event's data, replaced before the data is written to the log. Pure.

The laws:
- what stands at a path is replaced whole, whatever it is, and nothing else changes but the white space around it;
- data that cannot be gone through is told as such (`NotRedactable`), and never as data without anything to replace.

A path is the names of members, from the data down. `*` stands for every member. Arrays are gone through: a path means
the same in an object and in each object of an array.
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias, Union

import msgspec

REPLACED: Final = "[redacted]"
EVERY: Final = "*"
_ROOTS: Final = ("$.", "data.")
_DEEPEST: Final = 32
"""Each level is read once more than the one around it, so that depth is not free."""

Paths: TypeAlias = Mapping[str, Union["Paths", None]]
"""The names at one level; None: what stands there is replaced."""

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_REPLACED: Final = msgspec.Raw(msgspec.json.encode(REPLACED))


class NotRedactable(ValueError):  # noqa: N818 # it names a state, as the glossary does
    """The data cannot be read as deep as it had to be."""


def paths_of(texts: Iterable[str]) -> Paths:
    """The paths as the setting has them: `data.card.number`, `$.data.items[*].email`."""
    found: dict[str, Paths | None] = {}
    for text in texts:
        for root in _ROOTS:
            text = text.removeprefix(root)  # noqa: PLW2901 # the same path, without what all begin with
        _enter(found, text.replace("[*]", "").split("."))
    return found


def redacted(data: bytes, paths: Paths) -> bytes | None:
    """The data without what stands at the paths; None: nothing stands there.

    Raises:
        NotRedactable: it is no JSON, or nests too deep on the way of a path.
    """
    try:
        found = _without(msgspec.Raw(data), (paths,), _DEEPEST)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise NotRedactable from None
    return None if found is None else bytes(found)


def _enter(paths: dict[str, Paths | None], names: list[str]) -> None:
    first, rest = names[0], names[1:]
    if not rest:
        paths[first] = None
        return
    below = paths.setdefault(first, {})
    if below is not None:  # else what is above it is replaced
        assert isinstance(below, dict)
        _enter(below, rest)


def _without(raw: msgspec.Raw, paths: tuple[Paths, ...], deeper: int) -> msgspec.Raw | None:
    """The value without what stands at any of the paths; None: nothing does."""
    begin = bytes(raw).lstrip()[:1]
    if begin not in {b"{", b"["}:
        return None
    if deeper == 0:
        raise NotRedactable
    if begin == b"[":
        items = _ARRAY.decode(raw)
        changed = [_without(each, paths, deeper - 1) for each in items]
        if all(each is None for each in changed):
            return None
        return _written([old if new is None else new for old, new in zip(items, changed, strict=True)])
    members = _OBJECT.decode(raw)
    replaced = {name: new for name, old in members.items() if (new := _member(name, old, paths, deeper)) is not None}
    return _written(members | replaced) if replaced else None


def _member(name: str, raw: msgspec.Raw, paths: tuple[Paths, ...], deeper: int) -> msgspec.Raw | None:
    below = [each[word] for each in paths for word in dict.fromkeys((name, EVERY)) if word in each]
    if None in below:
        return _REPLACED
    return _without(raw, tuple(each for each in below if each is not None), deeper - 1) if below else None


def _written(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
