"""The Schema Registry, asked for one schema at a time by a thread that may block.

The law: only the registry's own word "there is no such schema" makes a schema unknown. Whatever else goes wrong (no
connection, a timeout, a 5xx, a refused login, a 404 of some proxy or a wrong path) is RegistryUnreachable: the
partition waits, because poison cannot be taken back.
"""

import json
from collections.abc import Mapping

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from consumer.events.reasons import PoisonReason
from consumer.events.schema import ParsedSchema, RefusedSchema, SchemaAnswer, UnknownSchema, parse
from consumer.json import Json

_NO_SUCH_SCHEMA = 40403
_AVRO = "AVRO"
_MAX_REFERENCES = 100


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
        try:
            schema = self._client.get_schema(schema_id)
            references = self._references(schema)
        except SchemaRegistryError as error:
            if error.error_code == _NO_SUCH_SCHEMA:
                return UnknownSchema()
            raise RegistryUnreachable from error
        except Exception as error:
            # The client lets through whatever its HTTP library (httpx or httpx2, as installed) and json raise.
            raise RegistryUnreachable from error
        return _compiled(schema, references)

    def close(self) -> None:
        """Destroy its connections."""
        self._client.close()

    def _references(self, schema: Schema) -> dict[tuple[str, int], Schema]:
        """What the schema refers to, each after what it needs itself, by subject and version.

        One too many is kept when there are more than allowed, so that the caller sees it.
        """
        found: dict[tuple[str, int], Schema] = {}

        def collect(referring: Schema) -> None:
            for reference in referring.references or ():
                key = (str(reference.subject), reference.version or 0)
                if key not in found and len(found) <= _MAX_REFERENCES:
                    referred = self._client.get_version(*key, deleted=True).schema
                    collect(referred)
                    found[key] = referred

        if _is_avro(schema):
            collect(schema)
        return found


def _is_avro(schema: Schema) -> bool:
    return (schema.schema_type or _AVRO) == _AVRO


def _compiled(schema: Schema, references: Mapping[tuple[str, int], Schema]) -> ParsedSchema | RefusedSchema:
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
    except ValueError:
        return written
    return parsed
