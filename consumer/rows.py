"""Rows of Avro, read by the native step where it is (`native/delivery/src/avro.rs`): in a fifth of fastavro's time.

The law: a row is the one that fastavro reads (`tests/property/test_rows.py`), or it is refused.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from consumer import native

Read: TypeAlias = Callable[[bytes, int], tuple[dict[str, Any], int]]
"""The row from a place on, and where it ends. Raises ValueError: there is none."""

_Schema: TypeAlias = Any  # as parsed JSON
_Shape: TypeAlias = str | tuple[str, Any] | list[tuple[str, Any]]

KINDS: Final[Mapping[str, str]] = {
    "string": "s",
    "bytes": "b",
    "int": "l",
    "long": "l",
    "double": "d",
    "boolean": "t",
}
"""A letter for each kind of value that the native step reads."""


def reading(schema: Mapping[str, Any]) -> Read | None:
    """Who reads records of this schema; None: without the native step, or of such a schema, only fastavro does."""
    if not native.is_installed():
        return None
    from hookline_native import Rows  # noqa: PLC0415 - it may not be installed

    try:
        shape = _shape(schema, {})
    except _Unreadable:
        return None
    return Rows(shape).read if isinstance(shape, list) else None


class _Unreadable(Exception):  # noqa: N818 # it names a state, as the glossary does
    """The schema has what is not read here."""


def _record(schema: Mapping[str, Any], named: dict[str, _Shape]) -> list[tuple[str, Any]]:
    shape = [(field["name"], _shape(field["type"], named)) for field in schema["fields"]]
    named[schema["name"]] = shape  # only now: a record inside itself has no end here
    return shape


def _shape(type_: _Schema, named: dict[str, _Shape]) -> _Shape:
    match type_:
        case str() if type_ in KINDS:
            return KINDS[type_]
        case str() if type_ in named:
            return named[type_]
        case ["null", one]:
            return ("?", _shape(one, named))
        case {"type": "array", "items": items}:
            return ("[", _shape(items, named))
        case {"type": "map", "values": values}:
            return ("{", _shape(values, named))
        case {"type": "record"}:
            return _record(type_, named)
        case _:
            raise _Unreadable
