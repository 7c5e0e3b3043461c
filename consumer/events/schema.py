"""An Avro schema, compiled once into a reader, or refused once for all its records.

The laws: a schema is refused only for what reading needs; and one that can explode is never compiled: one that
contains itself, or an array or map whose items take no byte, so that a few bytes could stand for any number of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from consumer.events import avro_json, logical
from consumer.events.avro_json import Reader
from consumer.events.avro_names import Definition, Names, defined, unsupported
from consumer.events.reasons import PoisonReason, Refused
from consumer.json import Json

AvroSchema: TypeAlias = str | list[Json] | dict[str, Json]  # what an Avro schema is, written as JSON

ENVELOPE = "io.hookline.Event"

_NO_TYPE = "has something that is no type in the place of one"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedSchema:
    """A record schema. `name` is its full name, `depth` how deep its records, arrays and maps nest."""

    name: str
    reader: Reader
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedUnion:
    """A union at the top: a value says which branch it is of. A branch that is no record is None."""

    branches: tuple[ParsedSchema | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSchema:
    """A schema whose records are all poison, and why."""

    reason: PoisonReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownSchema:
    """The registry answered that it has no such schema, or not what is `missing` and the schema refers to."""

    missing: str | None = None


Parsed: TypeAlias = ParsedSchema | ParsedUnion | RefusedSchema
SchemaAnswer: TypeAlias = Parsed | UnknownSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """What the registry has answered so far, by schema id. Whoever owns `known` may add to it; decoding only reads."""

    known: Mapping[int, SchemaAnswer] = field(default_factory=dict)


class _Compiled(NamedTuple):
    """`floor` is the fewest bytes a value can take; `record` the full name of a record."""

    reader: Reader
    floor: int
    depth: int
    record: str | None = None


def parse(schema: Json, references: Sequence[Json] = ()) -> Parsed:
    """Compile a schema as parsed JSON. `references` are the schemas it names."""
    names = Names()
    try:
        for each in (*references, schema):
            names.collect(each)
        return _top(_Compiler(names), schema)
    except Refused as refused:
        return RefusedSchema(reason=refused.reason, detail=refused.detail)
    except RecursionError:
        return RefusedSchema(reason=PoisonReason.EXPLODING_SCHEMA, detail="the schema is nested too deep: flatten it")


def _top(compiler: "_Compiler", schema: Json) -> ParsedSchema | ParsedUnion:
    while isinstance(schema, dict) and isinstance(schema.get("type"), dict | list):
        schema = schema["type"]
    branches = [_record(compiler.compile(each)) for each in (schema if isinstance(schema, list) else [schema])]
    if not any(branches):
        raise unsupported("must be a record at its top, or a union of some")
    if isinstance(schema, list):
        return ParsedUnion(branches=tuple(branches))
    assert branches[0] is not None
    return branches[0]


def _record(compiled: _Compiled) -> ParsedSchema | None:
    if compiled.record is None:
        return None
    return ParsedSchema(name=compiled.record, reader=compiled.reader, depth=compiled.depth)


_PRIMITIVES = {
    "null": _Compiled(avro_json.null, 0, 0),
    "boolean": _Compiled(avro_json.boolean, 1, 0),
    "int": _Compiled(avro_json.number, 1, 0),
    "long": _Compiled(avro_json.number, 1, 0),
    "float": _Compiled(avro_json.single, 4, 0),
    "double": _Compiled(avro_json.double, 8, 0),
    "string": _Compiled(avro_json.string, 1, 0),
    "bytes": _Compiled(avro_json.octets, 1, 0),
}


class _Compiler:
    """Compiles every named type once, so that a schema costs what it is long, not what it unfolds to."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._done: dict[str, _Compiled] = {}
        self._open: set[str] = set()

    def compile(self, schema: Json, namespace: str = "") -> _Compiled:
        match schema:
            case list():
                return self._union(schema, namespace)
            case str():
                return _PRIMITIVES.get(schema) or self._named(self._names.find(schema, namespace))
            case dict():
                return self._object(schema, namespace)
            case _:
                raise unsupported(_NO_TYPE)

    def _object(self, schema: dict[str, Json], namespace: str) -> _Compiled:
        match schema.get("type"):
            case "record" | "error" | "enum" | "fixed":
                return self._named(defined(schema, namespace))
            case "array":
                item = self._item(schema.get("items"), namespace, "an array")
                return _Compiled(avro_json.array(item.reader), 1, 1 + item.depth)
            case "map":
                item = self._item(schema.get("values"), namespace, "a map")
                return _Compiled(avro_json.map_of(item.reader), 1, 1 + item.depth)
            case str() as kind if kind in _PRIMITIVES:
                return _logical(kind, schema)
            case inner:
                return self.compile(inner, namespace)

    def _union(self, branches: list[Json], namespace: str) -> _Compiled:
        compiled = [self.compile(branch, namespace) for branch in branches]
        if not compiled:
            raise unsupported("has a union without branches")
        reader = avro_json.union([branch.reader for branch in compiled])
        return _Compiled(reader, 1 + min(b.floor for b in compiled), max(b.depth for b in compiled))

    def _item(self, schema: Json, namespace: str, container: str) -> _Compiled:
        item = self.compile(schema, namespace)
        if item.floor == 0:
            raise Refused(
                PoisonReason.EXPLODING_SCHEMA, f"the schema has {container} of a type that takes no bytes, such as null"
            )
        return item

    def _named(self, definition: Definition) -> _Compiled:
        name = definition.name
        if name in self._open:
            raise Refused(PoisonReason.EXPLODING_SCHEMA, "the schema contains itself: publish a flat record")
        if name not in self._done:
            self._open.add(name)
            self._done[name] = self._definition(definition)
            self._open.remove(name)
        return self._done[name]

    def _definition(self, definition: Definition) -> _Compiled:
        match definition.written:
            case {"type": "enum", "symbols": list() as symbols}:
                return _Compiled(avro_json.enum([_text(each, "symbol") for each in symbols]), 1, 0)
            case {"type": "fixed"}:
                return _fixed(definition.written)
            case {"type": "record" | "error", "fields": list() as fields}:
                return self._fields(definition, fields)
            case _:
                raise unsupported("has an enum without symbols or a record without fields")

    def _fields(self, definition: Definition, fields: list[Json]) -> _Compiled:
        compiled: dict[str, _Compiled] = {}
        for each in fields:
            if not isinstance(each, dict) or "type" not in each:
                raise unsupported("has a field without a type")
            name = _text(each.get("name"), "field's name")
            if name in compiled:
                raise unsupported("has a record with two fields of one name")
            compiled[name] = self.compile(each["type"], definition.namespace)
        reader = avro_json.record([(name, value.reader) for name, value in compiled.items()])
        floor = sum(value.floor for value in compiled.values())
        depth = 1 + max((value.depth for value in compiled.values()), default=0)
        return _Compiled(reader, floor, depth, definition.name)


def _logical(kind: str, definition: Mapping[str, Json]) -> _Compiled:
    """A primitive with a logical type. One that does not fit its primitive is ignored, as Avro asks."""
    name = definition.get("logicalType")
    plain = _PRIMITIVES[kind]
    if not isinstance(name, str):
        return plain
    if kind == "bytes" and name == "decimal":
        scale = _scale(definition, None)
        return plain if scale is None else plain._replace(reader=avro_json.octets_as(logical.decimal(scale)))
    show = {"long": logical.of_long, "int": logical.of_int}.get(kind, lambda _: None)(name)
    return plain if show is None else plain._replace(reader=avro_json.number_as(show))


def _fixed(definition: Mapping[str, Json]) -> _Compiled:
    size, name = definition.get("size"), definition.get("logicalType")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise unsupported("has a fixed without a size")
    show = logical.of_fixed(name, size) if isinstance(name, str) else None
    if name == "decimal" and (scale := _scale(definition, size)) is not None:
        show = logical.decimal(scale)
    return _Compiled(avro_json.fixed(size, show), size, 0)


def _scale(definition: Mapping[str, Json], size: int | None) -> int | None:
    """A decimal's scale, None for one whose parameters are impossible: then it is plain bytes."""
    scale, precision = definition.get("scale", 0), definition.get("precision")
    if isinstance(scale, bool) or isinstance(precision, bool):
        return None
    if not isinstance(scale, int) or not isinstance(precision, int) or not 0 <= scale <= precision or precision < 1:
        return None
    return scale if size is None or logical.fits(precision, size) else None


def _text(found: Json, what: str) -> str:
    if not isinstance(found, str):
        raise unsupported(f"has a {what} that is no string")
    return found
