"""An Avro schema, compiled once into a reader, or refused once for all its records.

The law: a schema that can explode is never compiled: one that contains itself, or an array or map whose items take no
byte, so that a few bytes could stand for any number of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, cast

from fastavro.schema import SchemaParseException, UnknownType, parse_schema

from consumer.events import avro_json, logical
from consumer.events.avro_json import Reader
from consumer.events.reasons import PoisonReason, Refused
from consumer.json import Json

AvroSchema: TypeAlias = str | list[Json] | dict[str, Json]  # what an Avro schema is, written as JSON

_PARSED = "__fastavro_parsed__"  # fastavro would take such a schema as checked before

ENVELOPE = "io.hookline.Event"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedSchema:
    """A record schema. `name` is its full name, `depth` how deep its records, arrays and maps nest."""

    name: str
    reader: Reader
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSchema:
    """A schema whose records are all poison, and why."""

    reason: PoisonReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownSchema:
    """The registry answered that it has no such schema, or not what is `missing` and the schema refers to."""

    missing: str | None = None


SchemaAnswer: TypeAlias = ParsedSchema | RefusedSchema | UnknownSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """What the registry has answered so far, by schema id. Whoever owns `known` may add to it; decoding only reads."""

    known: Mapping[int, SchemaAnswer] = field(default_factory=dict)


class _Compiled(NamedTuple):
    """`floor` is the fewest bytes a value can take."""

    reader: Reader
    floor: int
    depth: int


def parse(schema: Json, references: Sequence[Json] = ()) -> ParsedSchema | RefusedSchema:
    """Compile a record schema as parsed JSON. `references` are the schemas it names, each after those it needs."""
    named: dict[str, dict[str, Json]] = {}
    try:
        for reference in references:
            _checked(reference, named)
        parsed = _checked(schema, named)
    except (SchemaParseException, UnknownType, KeyError, TypeError, ValueError, AttributeError):
        return RefusedSchema(reason=PoisonReason.UNSUPPORTED_SCHEMA, detail="the schema is not valid Avro")
    except RecursionError:
        return RefusedSchema(reason=PoisonReason.EXPLODING_SCHEMA, detail="the schema is nested too deep: flatten it")
    if not isinstance(parsed, dict) or parsed.get("type") not in ("record", "error"):
        return RefusedSchema(reason=PoisonReason.UNSUPPORTED_SCHEMA, detail="the schema must be a record at its top")
    try:
        compiled = _Compiler(named).compile(parsed)
    except Refused as refused:
        return RefusedSchema(reason=refused.reason, detail=refused.detail)
    except RecursionError:
        return RefusedSchema(reason=PoisonReason.EXPLODING_SCHEMA, detail="the schema is nested too deep: flatten it")
    return ParsedSchema(name=str(parsed["name"]), reader=compiled.reader, depth=compiled.depth)


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


def _checked(schema: Json, named: dict[str, dict[str, Json]]) -> Json:
    """The schema with every name written in full; adds its named types to `named`."""
    if isinstance(schema, dict) and _PARSED in schema:
        raise SchemaParseException
    return cast("Json", parse_schema(cast("AvroSchema", schema), named_schemas=named))


class _Compiler:
    """Compiles every named type once, so that a schema costs what it is long, not what it unfolds to."""

    def __init__(self, named: Mapping[str, dict[str, Json]]) -> None:
        self._named = named
        self._done: dict[str, _Compiled] = {}
        self._open: set[str] = set()

    def compile(self, schema: Json) -> _Compiled:
        if isinstance(schema, list):
            return self._union(schema)
        if isinstance(schema, str):
            return _PRIMITIVES.get(schema) or self._name(schema, self._named[schema])
        return self._complex(cast("dict[str, Json]", schema))

    def _complex(self, definition: dict[str, Json]) -> _Compiled:
        match definition["type"]:
            case "record" | "error" | "enum" | "fixed":
                return self._name(str(definition["name"]), definition)
            case "array":
                item = self._item(definition["items"], "an array")
                return _Compiled(avro_json.array(item.reader), 1, 1 + item.depth)
            case "map":
                item = self._item(definition["values"], "a map")
                return _Compiled(avro_json.map_of(item.reader), 1, 1 + item.depth)
            case str() as kind if kind in _PRIMITIVES:
                return _logical(kind, definition)
            case inner:
                return self.compile(inner)

    def _union(self, branches: list[Json]) -> _Compiled:
        compiled = [self.compile(branch) for branch in branches]
        if not compiled:
            raise Refused(PoisonReason.UNSUPPORTED_SCHEMA, "the schema has a union without branches")
        reader = avro_json.union([branch.reader for branch in compiled])
        return _Compiled(reader, 1 + min(b.floor for b in compiled), max(b.depth for b in compiled))

    def _item(self, schema: Json, container: str) -> _Compiled:
        item = self.compile(schema)
        if item.floor == 0:
            raise Refused(
                PoisonReason.EXPLODING_SCHEMA, f"the schema has {container} of a type that takes no bytes, such as null"
            )
        return item

    def _name(self, name: str, definition: dict[str, Json]) -> _Compiled:
        if name in self._open:
            raise Refused(PoisonReason.EXPLODING_SCHEMA, "the schema contains itself: publish a flat record")
        if name not in self._done:
            self._open.add(name)
            self._done[name] = self._definition(definition)
            self._open.remove(name)
        return self._done[name]

    def _definition(self, definition: dict[str, Json]) -> _Compiled:
        match definition["type"]:
            case "enum":
                return _Compiled(avro_json.enum(cast("list[str]", definition["symbols"])), 1, 0)
            case "fixed":
                return _fixed(definition)
            case _:
                fields = cast("list[dict[str, Json]]", definition["fields"])
                compiled = [(str(each["name"]), self.compile(each["type"])) for each in fields]
                reader = avro_json.record([(name, value.reader) for name, value in compiled])
                floor = sum(value.floor for _, value in compiled)
                return _Compiled(reader, floor, 1 + max((value.depth for _, value in compiled), default=0))


def _logical(kind: str, definition: dict[str, Json]) -> _Compiled:
    """A primitive with a logical type. One that does not fit its primitive is ignored, as Avro asks."""
    name = str(definition.get("logicalType", ""))
    plain = _PRIMITIVES[kind]
    if kind == "bytes" and name == "decimal":
        return plain._replace(reader=avro_json.octets_as(logical.decimal(_scale(definition))))
    show = {"long": logical.of_long, "int": logical.of_int}.get(kind, lambda _: None)(name)
    return plain if show is None else plain._replace(reader=avro_json.number_as(show))


def _fixed(definition: dict[str, Json]) -> _Compiled:
    size = definition["size"]
    if not isinstance(size, int) or size < 0:
        raise Refused(PoisonReason.UNSUPPORTED_SCHEMA, "the schema has a fixed without a size")
    name = str(definition.get("logicalType", ""))
    show = logical.decimal(_scale(definition)) if name == "decimal" else logical.of_fixed(name, size)
    return _Compiled(avro_json.fixed(size, show), size, 0)


def _scale(definition: dict[str, Json]) -> int:
    scale = definition.get("scale", 0)
    if not isinstance(scale, int):
        raise Refused(PoisonReason.UNSUPPORTED_SCHEMA, "the schema has a decimal whose scale is not a whole number")
    return scale
