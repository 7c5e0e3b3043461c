"""A brand's event catalogue, read from NAME.events.json.

    {"$defs": {NAME: schema, …}, "events": [{"type", "description", "sample", "schema"}, …]}

The law: an entry is complete in itself. Its schema may refer to the file's `$defs` (`"$ref": "#/$defs/NAME"`) and takes
with it those it needs.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import Field, JsonValue, ValidationError

from consumer.brands.brand import CatalogueEntry
from consumer.brands.refusal import BrandInvalid, EventType, Line, Part, refused
from consumer.json import Json

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_DEFS: Final = "#/$defs/"


class _Entry(Part):
    type: EventType
    description: Line
    sample: dict[str, JsonValue]
    data_schema: dict[str, JsonValue] = Field(alias="schema")


class _File(Part):
    defs: dict[str, dict[str, JsonValue]] = Field(default_factory=dict, alias="$defs")
    events: list[_Entry]


def read_catalogue(path: Path) -> tuple[CatalogueEntry, ...]:
    """The entries in the file's order.

    Raises:
        BrandInvalid: the file is not JSON, a field in it is missing, unknown or wrong, or a type is listed twice.
    """
    try:
        file = _File.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BrandInvalid(path.name, f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise refused(path.name, error) from None
    except ValueError as error:  # no JSON, or no UTF-8
        raise BrandInvalid(path.name, f"is not JSON: {error}") from None
    types = [entry.type for entry in file.events]
    repeated = sorted({each for each in types if types.count(each) > 1})
    if repeated:
        raise BrandInvalid(path.name, f"events: {repeated[0]} is listed twice: remove one")
    return tuple(
        CatalogueEntry(
            type=entry.type,
            description=entry.description,
            sample=entry.sample,
            schema=_complete(entry.data_schema, file.defs, f"events.{index}.schema", path.name),
        )
        for index, entry in enumerate(file.events)
    )


def _complete(
    schema: Mapping[str, Json], defs: Mapping[str, Mapping[str, Json]], field: str, file: str
) -> dict[str, Json]:
    """The schema with its dialect and the definitions it needs."""
    needed: dict[str, Json] = {}
    ahead = list(_referred(dict(schema)))
    while ahead:
        reference = ahead.pop()
        name = reference.removeprefix(_DEFS)
        if name in needed:
            continue
        if not reference.startswith(_DEFS) or name not in defs:
            raise BrandInvalid(file, f"{field}: {reference} leads nowhere: define it under $defs of this file")
        definition = dict(defs[name])
        needed[name] = definition
        ahead += _referred(definition)
    complete: dict[str, Json] = {"$schema": DIALECT, **schema}
    if needed:
        complete["$defs"] = {name: needed[name] for name in defs if name in needed}
    return complete


def _referred(schema: Json) -> Iterator[str]:
    """Every `$ref` in a schema."""
    match schema:
        case dict():
            for name, value in schema.items():
                if name == "$ref" and isinstance(value, str):
                    yield value
                else:
                    yield from _referred(value)
        case list():
            for value in schema:
                yield from _referred(value)
        case _:
            return
