"""The delivery record, read by hand: what every retry, every wait and every delivery in order is read from.

The law: what is read is what fastavro reads (`tests/property/test_records.py`); a record of an earlier schema is left
to it. What it refuses is refused.
"""

from typing import Any, Final

from consumer.delivery.delivery import Delivery
from consumer.events.event import Event
from consumer.kafka.avro_bytes import reading, values_of
from consumer.kafka.delivery_encoding import DELIVERY, LAYOUT
from consumer.wire import HEAD_BYTES, RecordCorrupt

_read: Final = reading(LAYOUT.kinds)


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
    return _delivery(values, tier)


def delivery_of(row: dict[str, Any], tier: int) -> Delivery:
    """As fastavro has it."""
    return Delivery(**row | {"event": Event(**row["event"]), "tier": tier})


def _delivery(values: tuple[Any, ...], tier: int) -> Delivery:
    """The values in the order of the schema. Each by its name: from dictionaries it would take three times as long."""
    (
        name,
        event_id,
        event_type,
        tenant,
        product,
        time_ms,
        data,
        topic,
        partition,
        offset,
        timestamp_ms,
        traceparent,
        source,
        tracestate,
        subscription_id,
        body,
        content_type,
        replay_id,
        replays,
        attempts,
        spills,
        handed_over,
        first_due_ms,
        first_attempt_ms,
        last_status,
        last_reason,
        last_attempt_ms,
        slot_ms,
        waiting_since_ms,
        waited_ms,
        climbed,
        order,
        trigger,
        job_id,
    ) = values
    event = Event(
        id=event_id,
        type=event_type,
        tenant=tenant,
        product=product,
        time_ms=time_ms,
        data=data,
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp_ms=timestamp_ms,
        traceparent=traceparent,
        source=source,
        tracestate=tracestate,
    )
    return Delivery(
        id=name,
        event=event,
        tier=tier,
        subscription_id=subscription_id,
        body=body,
        content_type=content_type,
        replay_id=replay_id,
        replays=replays,
        attempts=attempts,
        spills=spills,
        handed_over=handed_over,
        first_due_ms=first_due_ms,
        first_attempt_ms=first_attempt_ms,
        last_status=last_status,
        last_reason=last_reason,
        last_attempt_ms=last_attempt_ms,
        slot_ms=slot_ms,
        waiting_since_ms=waiting_since_ms,
        waited_ms=waited_ms,
        climbed=climbed,
        order=order,
        trigger=trigger,
        job_id=job_id,
    )
