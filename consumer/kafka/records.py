"""The records on Hookline's own topics: deliveries, chunks, dead letters, attempts, replays.

The law: a record's fields are those of its class and of its schema, under the same names, so nothing is
translated and nothing can be forgotten in between. (`tier` is not written: the topic says it.)
"""

import re
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from consumer.delivery.delivery import Attempt, Bodies, Chunk, DeadLetter, Delivery
from consumer.events.event import Event
from consumer.kafka.attempt_encoding import ATTEMPT, encode_attempt
from consumer.kafka.delivery_decoding import decode_delivery, delivery_of
from consumer.kafka.delivery_encoding import encode_delivery
from consumer.kafka.sealed import clear_of, is_sealed
from consumer.schemas import avro_history
from consumer.wire import HEAD_BYTES, RecordCorrupt, WireFormat

__all__ = [
    "RecordCorrupt",
    "Replay",
    "decode_attempt",
    "decode_clear",
    "decode_dead_letter",
    "decode_delayed",
    "decode_ordered",
    "decode_replay",
    "encode_attempt",
    "encode_chunk",
    "encode_dead_letter",
    "encode_delivery",
    "encode_replay",
    "shortened",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How often a dead letter was replayed, or an event sent again; when last, and by which job, where by one."""

    delivery_id: str
    generation: int
    at_ms: int
    job_id: str | None = None


LINE: Final = re.compile("[0-9a-f]{36}")
CHUNK: Final = WireFormat(avro_history("Chunk"))
DEAD_LETTER: Final = WireFormat(avro_history("DeadLetter"))
REPLAY: Final = WireFormat(avro_history("Replay"))

_EVENT_FIELDS: Final = Event.__struct_fields__
_DELIVERY_FIELDS: Final = tuple(name for name in Delivery.__struct_fields__ if name != "tier")


def encode_chunk(chunk: Chunk) -> bytes:
    """For the spill topic."""
    return CHUNK.encode(
        {
            "event": _row(chunk.event, _EVENT_FIELDS),
            "subscription_ids": chunk.subscription_ids,
            "first_due_ms": chunk.first_due_ms,
        }
    )


def encode_dead_letter(dead_letter: DeadLetter) -> bytes:
    """For the dead-letter topic."""
    return DEAD_LETTER.encode(
        {
            "delivery": _delivery_row(dead_letter.delivery),
            "reason": dead_letter.reason,
            "detail": dead_letter.detail,
            "failed_at_ms": dead_letter.failed_at_ms,
            "url": dead_letter.url,
            "brand": dead_letter.brand,
            "left_out_bytes": dead_letter.left_out_bytes,
        }
    )


def encode_replay(replay: Replay) -> bytes:
    """For the state topic."""
    return REPLAY.encode(
        {
            "delivery_id": replay.delivery_id,
            "generation": replay.generation,
            "at_ms": replay.at_ms,
            "job_id": replay.job_id,
        }
    )


def decode_delayed(value: bytes, tier: int) -> Delivery | Chunk:
    """What a delay topic holds; `tier` is the topic's index.

    Raises:
        RecordCorrupt: it is neither.
    """
    if value[:HEAD_BYTES] in CHUNK.heads:
        row = CHUNK.decode(value)
        return Chunk(
            event=Event(**row["event"]),
            subscription_ids=tuple(row["subscription_ids"]),
            first_due_ms=row["first_due_ms"],
            tier=tier,
        )
    return decode_delivery(value, tier)


def decode_ordered(key: bytes | None, value: bytes) -> Delivery:
    """What the ordered topic holds; the key names its line.

    Raises:
        RecordCorrupt: it is no delivery, or not of this line.
    """
    delivery = decode_delivery(value, -1)
    if delivery.order is None or not LINE.fullmatch(delivery.order) or delivery.order.encode() != key:
        raise RecordCorrupt("its key is not its line")
    return delivery


def decode_dead_letter(value: bytes) -> DeadLetter:
    """What the dead-letter topic holds.

    Raises:
        RecordCorrupt: it is no dead letter.
    """
    row = DEAD_LETTER.decode(value)
    return DeadLetter(**row | {"delivery": delivery_of(row["delivery"], -1)})


def decode_replay(value: bytes) -> Replay:
    """What the state topic holds under `replay:<delivery id>`.

    Raises:
        RecordCorrupt: it is no replay.
    """
    return Replay(**REPLAY.decode(value))


def decode_attempt(value: bytes) -> Attempt:
    """What the attempts topic holds.

    Raises:
        RecordCorrupt: it is no attempt.
    """
    row = ATTEMPT.decode(value)
    for name in ("request_headers", "response_headers"):
        row[name] = tuple((header["name"], header["value"]) for header in row[name])
    return Attempt(**row)


def decode_clear(value: bytes) -> Attempt:
    """What of a sealed attempt stands in the clear: one without headers, bodies and the detail of its failure.

    Raises:
        RecordCorrupt: it is no attempt.
    """
    return decode_attempt(clear_of(value))


def shortened(value: bytes) -> bytes:
    """An encoded attempt without its bodies, for a topic that refuses it whole; of a sealed one its clear part."""
    attempt = decode_clear(value) if is_sealed(value) else decode_attempt(value)
    return encode_attempt(
        replace(attempt, request_body=b"", response_body=b"", response_truncated=True, bodies=Bodies.NONE)
    )


def _row(data: object, names: tuple[str, ...]) -> dict[str, object]:
    return {name: getattr(data, name) for name in names}


def _delivery_row(delivery: Delivery) -> dict[str, object]:
    return _row(delivery, _DELIVERY_FIELDS) | {"event": _row(delivery.event, _EVENT_FIELDS)}
