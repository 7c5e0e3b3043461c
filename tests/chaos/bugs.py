"""What may be planted in the real processes: the simulator's bugs, and what only real processes bring out.

The law: as `tests/simulation/planted.py` has it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast
from unittest.mock import patch

from consumer.delivery import done_map, outcome
from consumer.delivery.ahead_map import Ahead
from consumer.delivery.done_map import DoneMap
from consumer.delivery.order_map import Told
from consumer.json import Json
from consumer.kafka import newer, records
from consumer.schemas import avro_histories, avro_schema
from consumer.wire import WireFormat, head_of
from tests.simulation.planted import BUGS

Patch = Any  # what patch.object returns; mock types it no closer


def _retry_after_taken_for_seconds() -> list[Patch]:
    return [patch.object(outcome, "asked_ms", lambda value, _now_ms: int(value) * 1_000)]  # raises for all else


def _former_schema_forgotten() -> list[Patch]:
    """A field more, and the schema before it is not kept: neither version reads the other's deliveries."""
    before = avro_schema("Delivery")
    fields = [*cast("list[Json]", before["fields"]), {"name": "planted", "type": "int", "default": 0}]
    after = WireFormat([{**before, "fields": fields}])
    heads = {head_of(schema) for history in avro_histories() for schema in history}
    known = frozenset(heads - records.DELIVERY.heads | after.heads)
    return [patch.object(records, "DELIVERY", after), patch.object(newer, "_known_heads", lambda: known)]


def _map_of_another_meaning() -> list[Patch]:
    """Where a map ends is counted otherwise, under the version that it had."""
    encode, decode = done_map.encode, done_map.decode

    def one_less(
        base: int,
        last: int,
        unfinished: Sequence[int],
        partly: done_map.Partly | None = None,
        *,
        order: Told | None = None,
        ahead: Ahead | None = None,
        most: int = done_map.MOST,
    ) -> str:
        return encode(base, last - 1, unfinished, partly, order=order, ahead=ahead, most=most)

    def one_more(metadata: str, offset: int) -> DoneMap | None:
        done = decode(metadata, offset)
        return None if done is None else replace(done, last=done.last + 1)

    return [patch.object(done_map, "encode", one_less), patch.object(done_map, "decode", one_more)]


ALL: Final[Mapping[str, Callable[[], list[Patch]]]] = {
    **{name: bug.patches for name, bug in BUGS.items()},
    "Retry-After taken for seconds": _retry_after_taken_for_seconds,
    "former schema forgotten": _former_schema_forgotten,
    "map of another meaning": _map_of_another_meaning,
}
