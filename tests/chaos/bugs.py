"""What may be planted in the real processes: the simulator's bugs, and what only real processes bring out.

The law: as `tests/simulation/planted.py` has it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast
from unittest.mock import patch

from consumer.delivery import done_map, outcome
from consumer.delivery.done_map import DoneMap
from consumer.json import Json
from consumer.kafka import delivery_decoding, delivery_encoding, newer
from consumer.kafka.avro_text import writing
from consumer.schemas import avro_histories, avro_schema
from consumer.wire import WireFormat, head_of
from tests.simulation.planted import BUGS

Patch = Any  # what patch.object returns; mock types it no closer


def _retry_after_taken_for_seconds() -> list[Patch]:
    return [patch.object(outcome, "asked_ms", lambda value, _now_ms: int(value) * 1_000)]  # raises for all else


def _former_schema_forgotten() -> list[Patch]:
    """A number of another type, and the schema before it is not kept: neither version reads the other's deliveries."""
    before = avro_schema("Delivery")
    fields = cast("list[dict[str, Json]]", before["fields"])
    changed: list[Json] = [{**each, "type": "long"} if each["name"] == "attempts" else each for each in fields]
    after = WireFormat([{**before, "fields": changed}])
    heads = {head_of(schema) for history in avro_histories() for schema in history}
    known = frozenset(heads - delivery_encoding.DELIVERY.heads | after.heads)
    return [
        patch.object(delivery_decoding, "DELIVERY", after),
        patch.object(delivery_encoding, "_write", writing(after.head, delivery_encoding.LAYOUT.kinds)),
        patch.object(newer, "_known_heads", lambda: known),
    ]


def _map_of_another_meaning() -> list[Patch]:
    """A bit of the map means the opposite, under the version that the map had."""
    write, read = done_map._bitmap, done_map._from_bitmap

    def written(base: int, last: int, unfinished: Sequence[int], span_bytes: int) -> bytes:
        return bytes(byte ^ 0xFF for byte in write(base, last, unfinished, span_bytes))

    def inverse(base: int, packed: bytes) -> DoneMap:
        return read(base, bytes(byte ^ 0xFF for byte in packed))

    return [patch.object(done_map, "_bitmap", written), patch.object(done_map, "_from_bitmap", inverse)]


ALL: Final[Mapping[str, Callable[[], list[Patch]]]] = {
    **{name: bug.patches for name, bug in BUGS.items()},
    "Retry-After taken for seconds": _retry_after_taken_for_seconds,
    "former schema forgotten": _former_schema_forgotten,
    "map of another meaning": _map_of_another_meaning,
}
