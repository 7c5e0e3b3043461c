"""The Schema Registry, asked for one schema at a time by a thread that may block.

The law: only the registry's own word "I have no such thing", about the schema or one that it refers to, makes a schema
unknown: that cannot change by itself. Whatever else goes wrong (no connection, a timeout, a 5xx, a refused login, a 404
of some proxy or a wrong path) is RegistryUnreachable: its records wait, because poison cannot be taken back.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias, TypeVar

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from consumer.events.reasons import PoisonReason
from consumer.events.schema import Parsed, RefusedSchema, SchemaAnswer, UnknownSchema, parse
from consumer.json import Json

# No subject, no version of it, no schema; and a version that cannot be one.
_HAS_NOT: Final = frozenset({40401, 40402, 40403, 42202})
_AVRO = "AVRO"
_MAX_REFERENCES = 100

_References: TypeAlias = dict[tuple[str, int], Schema]
_Found = TypeVar("_Found")


class RegistryUnreachable(Exception):  # noqa: N818 - named as what it is
    """The Schema Registry cannot answer now: check HOOKLINE_SCHEMA_REGISTRY_URL, its login and its health."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Registry:
    """A Confluent-compatible registry. Several URLs may stand comma-separated; a login stands in the URL."""

    def __init__(self, url: str, *, timeout_s: float = 2.0, retries: int = 0) -> None:
        """`timeout_s` bounds each of connecting, writing and reading; who asks decides when to ask again."""
        self._client = SchemaRegistryClient({"url": url, "timeout": timeout_s, "max.retries": retries})

    def fetch(self, schema_id: int) -> SchemaAnswer:
        """What the registry says of this id, compiled.

        Raises:
            RegistryUnreachable: it cannot answer now; the same question may be asked again.
        """
        schema = _asked(lambda: self._client.get_schema(schema_id))
        if schema is None:
            return UnknownSchema()
        references = self._references(schema)
        return references if isinstance(references, UnknownSchema) else _compiled(schema, references)

    def close(self) -> None:
        """Destroy its connections."""
        self._client.close()

    def _references(self, schema: Schema) -> _References | UnknownSchema:
        """What the schema refers to, each after what it needs itself, by subject and version; or the one that is gone.

        One too many is kept when there are more than allowed, so that the caller sees it.
        """
        found: _References = {}
        asked: set[tuple[str, int]] = set()  # what refers to itself is asked for once, and will not compile

        def collect(referring: Schema) -> UnknownSchema | None:
            for reference in referring.references or ():
                key = (str(reference.subject), reference.version or 0)
                if key in asked or len(asked) > _MAX_REFERENCES:
                    continue
                asked.add(key)
                referred = _asked(partial(self._client.get_version, *key, deleted=True))
                if referred is None:
                    return UnknownSchema(missing=f"version {key[1]} of the subject {key[0]}")
                gone = collect(referred.schema)
                if gone is not None:
                    return gone
                found[key] = referred.schema
            return None

        gone = collect(schema) if _is_avro(schema) else None
        return found if gone is None else gone


def _asked(question: Callable[[], _Found]) -> _Found | None:
    """The registry's answer, None when it says that it has no such thing."""
    try:
        return question()
    except SchemaRegistryError as error:
        if error.error_code in _HAS_NOT:
            return None
        raise RegistryUnreachable from error
    except Exception as error:
        # The client lets through whatever its HTTP library (httpx or httpx2, as installed) and json raise.
        raise RegistryUnreachable from error


def _is_avro(schema: Schema) -> bool:
    return (schema.schema_type or _AVRO) == _AVRO


def _compiled(schema: Schema, references: Mapping[tuple[str, int], Schema]) -> Parsed:
    if not _is_avro(schema):
        return RefusedSchema(
            reason=PoisonReason.UNSUPPORTED_SCHEMA,
            detail="unsupported schema type: only Avro is read in the Schema Registry's wire format",
        )
    if len(references) > _MAX_REFERENCES:
        return RefusedSchema(
            reason=PoisonReason.EXPLODING_SCHEMA, detail=f"the schema has more than {_MAX_REFERENCES} references"
        )
    return parse(_parsed(schema), tuple(_parsed(reference) for reference in references.values()))


def _parsed(schema: Schema) -> Json:
    """The schema's text as JSON. A bare name of a type is not quoted by every registry."""
    written = schema.schema_str or ""
    try:
        parsed: Json = json.loads(written)
    except (ValueError, RecursionError):
        return written
    return parsed
