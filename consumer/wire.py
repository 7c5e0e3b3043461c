"""Avro single-object encoding: how every record on Hookline's own topics says what it is.

The law: what was written is read back equal, also by a later Hookline, and bytes that are not such a record are
refused, never guessed.

    Avro 1.12 specification, "Single object encoding":

     0      1      2                            10
    +------+------+----------------------------+---------------------------- - - -
    | 0xC3 | 0x01 | CRC-64-AVRO of the writer's | the record, Avro binary
    |      |      | schema, little-endian       |
    +------+------+----------------------------+---------------------------- - - -

The fingerprint names the schema the writer had. A reader knows every schema that was ever shipped
(`schemas.avro_history`) and reads older records through Avro's schema resolution.
"""

import io
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Final, cast

import fastavro
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from consumer import rows
from consumer.json import Json

MAGIC: Final = b"\xc3\x01"
HEAD_BYTES: Final = 10


class RecordCorrupt(Exception):  # noqa: N818 # it names a state, as the glossary does
    """These bytes are no record that this version of Hookline, or an earlier one, wrote."""


class WireFormat:
    """One kind of record. `schemas` are the current one, then every earlier one that was shipped."""

    def __init__(self, schemas: Sequence[dict[str, Json]]) -> None:
        self._schema = schemas[0]
        self.head = head_of(schemas[0])
        self._writers = {head_of(schema): parse_schema(schema) for schema in schemas}
        self._reader = self._writers[self.head]

    @property
    def heads(self) -> frozenset[bytes]:
        """The first ten bytes of every record of this kind."""
        return frozenset(self._writers)

    def encode(self, row: Mapping[str, object]) -> bytes:
        """The row under the current schema."""
        out = io.BytesIO()
        out.write(self.head)
        fastavro.schemaless_writer(out, self._reader, row)
        return out.getvalue()

    def decode(self, value: bytes) -> dict[str, Any]:
        """The row, with the current schema's fields.

        Raises:
            RecordCorrupt: unknown fingerprint, truncated, malformed or followed by something.
        """
        if self._read is None or not value.startswith(self.head):
            return self._decode(self._reader, value)
        try:
            row, end = self._read(value, HEAD_BYTES)
        except ValueError as error:
            raise RecordCorrupt(f"malformed: {error}") from error
        if end != len(value):
            raise RecordCorrupt(f"{len(value) - end} bytes follow the record")
        return row

    @cached_property
    def _read(self) -> rows.Read | None:
        return rows.reading(self._schema)

    def reading(self, names: Collection[str]) -> Callable[[bytes], dict[str, Any]]:
        """`decode` for these fields alone: what is passed over costs less than what is read."""
        fields = [each for each in cast("list[dict[str, Json]]", self._schema["fields"]) if each["name"] in names]
        return partial(self._decode, parse_schema({**self._schema, "fields": fields}))

    def _decode(self, reader: Any, value: bytes) -> dict[str, Any]:  # noqa: ANN401 # fastavro has no types
        writer = self._writers.get(value[:HEAD_BYTES])
        if writer is None:
            raise RecordCorrupt(f"begins with {value[:HEAD_BYTES].hex(' ')}, which is no schema of this record")
        body = io.BytesIO(value)
        body.seek(HEAD_BYTES)
        # fastavro would compare the two, each time and to the last of their parts.
        resolved = None if reader is writer else reader
        try:
            row = fastavro.schemaless_reader(body, writer, resolved)
        except Exception as error:  # whatever the reader makes of bytes that are none of ours, MemoryError too
            raise RecordCorrupt(f"malformed: {type(error).__name__}") from error
        if body.tell() != len(value):
            raise RecordCorrupt(f"{len(value) - body.tell()} bytes follow the record")
        return cast("dict[str, Any]", row)


def head_of(schema: dict[str, Json]) -> bytes:
    """The first ten bytes of every record that is written under this schema."""
    return MAGIC + bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
