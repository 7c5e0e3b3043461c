"""Reading a file of events for `publish`: JSON lines, or an Avro object container file.

The law: a JSON line is published byte for byte (without its line break), and input that cannot be published is
refused with the number of its line or record, counted from 1.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO, Protocol, cast

import fastavro

from consumer.cli.exits import bad_input, unavailable
from consumer.events.document import json_text, parsed
from consumer.events.reasons import Refused
from consumer.json import Json
from consumer.schemas import avro_schema
from consumer.wire import WireFormat

# Avro 1.12, "Object Container Files": a file begins with these four bytes.
CONTAINER_MAGIC = b"Obj\x01"
_DEFAULT_KEY_FIELD = "tenant"
_OWN_EVENT = "io.hookline.Event"

Row = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to publish. `number` is its line or place in the file, from 1; `read_bytes`: how far it is read."""

    number: int
    key: bytes | None
    value: bytes
    read_bytes: int


class Peekable(Protocol):
    """A buffered binary stream."""

    def peek(self, size: int, /) -> bytes:
        """The next bytes, without taking them."""


def is_container(stream: BinaryIO) -> bool:
    """Whether the stream is an Avro object container file; takes nothing from it."""
    return cast("Peekable", stream).peek(len(CONTAINER_MAGIC))[: len(CONTAINER_MAGIC)] == CONTAINER_MAGIC


def json_lines(stream: BinaryIO, key_field: str | None) -> Iterator[Outgoing]:
    """Each line that is not blank.

    Raises:
        CommandFailed: 65, a line is not JSON, or has no field `key_field`.
    """
    read_bytes = 0
    for number, line in enumerate(stream, start=1):
        read_bytes += len(line)
        value = line.rstrip(b"\r\n")
        if not value.strip():
            continue
        try:
            found = parsed(json_text(value))
        except Refused as refused:
            raise bad_input(f"line {number} is not JSON: {refused.detail}", field="file") from None
        key = _key(found, key_field, f"line {number}")
        yield Outgoing(number=number, key=key, value=value, read_bytes=read_bytes)


def container_records(
    stream: BinaryIO, key_field: str | None, registered: Callable[[str], Callable[[Row], bytes]]
) -> Iterator[Outgoing]:
    """Each record of an Avro container: io.hookline.Event in single-object encoding, others as `registered` says.

    `registered(schema)` gives the encoder of the Schema Registry's wire format for a schema (JSON text).

    Raises:
        CommandFailed: 65, the file is damaged, or a record does not fit.
    """
    try:
        reader = fastavro.reader(stream)
        schema_text = reader.metadata["avro.schema"]
    except (ValueError, KeyError, EOFError) as error:
        raise bad_input(f"not a readable Avro container: {error}", field="file") from None
    schema = json.loads(schema_text)
    own = isinstance(schema, dict) and f"{schema.get('namespace', '')}.{schema['name']}".lstrip(".") == _OWN_EVENT
    encode = WireFormat([avro_schema("Event")]).encode if own else registered(schema_text)
    rows = iter(reader)
    number = 0
    while True:
        number += 1
        try:
            row = cast("Row", next(rows))
            value = encode(row)
        except StopIteration:
            return
        except (ValueError, TypeError, LookupError, EOFError, ArithmeticError) as error:
            raise bad_input(f"record {number} cannot be read or encoded: {error}", field="file") from None
        key = _key(cast("Json", row), key_field, f"record {number}")
        yield Outgoing(number=number, key=key, value=value, read_bytes=stream.tell() if stream.seekable() else 0)


def registry_encoder(
    url: str | None, topic: str, *, register: bool, closed_by: ExitStack
) -> Callable[[str], Callable[[Row], bytes]]:
    """What `container_records` asks for: encodes with the id that the schema has under the subject `<topic>-value`.

    A schema that is not there is registered where that is asked for, and refused otherwise. `closed_by` closes the
    connection to the registry.
    """

    def registered(schema_text: str) -> Callable[[Row], bytes]:
        # Only now: most files need no registry, and its client takes long to import.
        from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: PLC0415
        from confluent_kafka.schema_registry.avro import AvroSerializer  # noqa: PLC0415
        from confluent_kafka.schema_registry.error import SchemaRegistryError  # noqa: PLC0415
        from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: PLC0415
        from httpx import HTTPError  # noqa: PLC0415

        if url is None:
            raise bad_input(
                "records other than io.hookline.Event need HOOKLINE_SCHEMA_REGISTRY_URL",
                field="HOOKLINE_SCHEMA_REGISTRY_URL",
            )
        client = closed_by.enter_context(SchemaRegistryClient({"url": url}))
        serializer = AvroSerializer(client, schema_text, conf={"auto.register.schemas": register})
        context = SerializationContext(topic, MessageField.VALUE)

        def encode(row: Row) -> bytes:
            try:
                encoded = serializer(row, context)
            except (SchemaRegistryError, HTTPError) as error:
                if not register and getattr(error, "http_status_code", None) == HTTPStatus.NOT_FOUND:
                    raise bad_input(
                        f"the Schema Registry has no such schema under the subject {topic}-value: "
                        "--register registers it there",
                        field="--register",
                    ) from None
                raise unavailable(
                    f"the Schema Registry did not take the schema: {error}", field="HOOKLINE_SCHEMA_REGISTRY_URL"
                ) from error
            assert isinstance(encoded, bytes)
            return encoded

        return encode

    return registered


def _key(value: Json, key_field: str | None, where: str) -> bytes | None:
    """The record's key: the named field (dots go deeper), `tenant` where none is named and there is one."""
    found: Json = value
    for name in (key_field or _DEFAULT_KEY_FIELD).split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, str):
        return found.encode()
    if isinstance(found, int):
        return json.dumps(found).encode()
    if key_field is None:
        return None
    raise bad_input(f"{where} has no string or integer in {key_field!r} to be the record's key", field="--key-field")
