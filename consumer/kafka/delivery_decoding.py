"""The delivery record, read by hand: what every retry, every wait and every delivery in order is read from.

The law: what is read is what fastavro reads (`tests/property/test_records.py`); a record of an earlier schema is left
to it. What it refuses is refused.
"""

from typing import Any, Final

from consumer.delivery.delivery import Delivery
from consumer.events.event import Event
from consumer.kafka.avro_bytes import layout, reading, values_of
from consumer.kafka.delivery_encoding import DELIVERY
from consumer.schemas import avro_history
from consumer.wire import HEAD_BYTES, RecordCorrupt

_LAYOUT: Final = layout(avro_history("Delivery")[0])
_EVENT: Final = Event.__struct_fields__  # the id, then the event, then the rest
_BEHIND: Final = 1 + len(_EVENT)
_REST: Final = _LAYOUT.names[_BEHIND:]
_read: Final = reading(_LAYOUT.kinds)


def decode_delivery(value: bytes, tier: int) -> Delivery:
    """What a delay topic holds, or the ordered one (-1).

    Raises:
        RecordCorrupt: it is no delivery.
    """
    if value[:HEAD_BYTES] != DELIVERY.head:
        return delivery_of(DELIVERY.decode(value), tier)
    values, end = values_of(_read, value)
    if end < len(value):
        raise RecordCorrupt(f"{len(value) - end} bytes follow the record")
    event = Event(**dict(zip(_EVENT, values[1:_BEHIND], strict=True)))
    return Delivery(id=values[0], event=event, tier=tier, **dict(zip(_REST, values[_BEHIND:], strict=True)))


def delivery_of(row: dict[str, Any], tier: int) -> Delivery:
    """As fastavro has it."""
    return Delivery(**row | {"event": Event(**row["event"]), "tier": tier})
