"""The delivery record, read by hand: what every retry, every wait and every delivery in order is read from.

The law: what is read is what fastavro reads (`tests/property/test_records.py`); a record of an earlier schema is left
to it. What it refuses is refused.
"""

from typing import Any

from consumer.delivery.delivery import Delivery
from consumer.events.event import Event
from consumer.kafka.avro_bytes import (
    MALFORMED,
    boolean,
    is_there,
    long,
    octets,
    optional,
    optional_long,
    string,
)
from consumer.kafka.delivery_encoding import DELIVERY
from consumer.wire import HEAD_BYTES, RecordCorrupt


def decode_delivery(value: bytes, tier: int) -> Delivery:
    """What a delay topic holds, or the ordered one (-1).

    Raises:
        RecordCorrupt: it is no delivery.
    """
    if value[:HEAD_BYTES] != DELIVERY.head:
        return delivery_of(DELIVERY.decode(value), tier)
    try:
        delivery, end = _delivery(value, tier)
    except MALFORMED as error:
        raise RecordCorrupt(f"malformed: {type(error).__name__}") from error
    if end > len(value):
        raise RecordCorrupt("malformed: it is cut")
    if end < len(value):
        raise RecordCorrupt(f"{len(value) - end} bytes follow the record")
    return delivery


def delivery_of(row: dict[str, Any], tier: int) -> Delivery:
    """As fastavro has it."""
    return Delivery(**row | {"event": Event(**row["event"]), "tier": tier})


def _delivery(value: bytes, tier: int) -> tuple[Delivery, int]:
    id_, at = string(value, HEAD_BYTES)
    event, at = _event(value, at)
    subscription_id, at = string(value, at)
    body = None
    if is_there(value, at):
        body, at = octets(value, at + 1)
    else:
        at += 1
    content_type, at = string(value, at)
    replay_id, at = optional(value, at)
    replays, at = long(value, at)
    attempts, at = long(value, at)
    spills, at = long(value, at)
    handed_over, at = boolean(value, at)
    first_due_ms, at = long(value, at)
    first_attempt_ms, at = optional_long(value, at)
    last_status, at = optional_long(value, at)
    last_reason, at = string(value, at)
    last_attempt_ms, at = optional_long(value, at)
    slot_ms, at = optional_long(value, at)
    waiting_since_ms, at = optional_long(value, at)
    waited_ms, at = long(value, at)
    climbed, at = long(value, at)
    order, at = optional(value, at)
    trigger, at = string(value, at)
    job_id, at = optional(value, at)
    delivery = Delivery(
        id=id_,
        event=event,
        subscription_id=subscription_id,
        body=body,
        content_type=content_type,
        replay_id=replay_id,
        replays=replays,
        attempts=attempts,
        spills=spills,
        handed_over=handed_over,
        tier=tier,
        slot_ms=slot_ms,
        first_due_ms=first_due_ms,
        first_attempt_ms=first_attempt_ms,
        last_status=last_status,
        last_reason=last_reason,
        last_attempt_ms=last_attempt_ms,
        waiting_since_ms=waiting_since_ms,
        waited_ms=waited_ms,
        climbed=climbed,
        order=order,
        trigger=trigger,
        job_id=job_id,
    )
    return delivery, at


def _event(value: bytes, at: int) -> tuple[Event, int]:
    id_, at = string(value, at)
    type_, at = string(value, at)
    tenant, at = string(value, at)
    product, at = optional(value, at)
    time_ms, at = long(value, at)
    data, at = octets(value, at)
    topic, at = string(value, at)
    partition, at = long(value, at)
    offset, at = long(value, at)
    timestamp_ms, at = long(value, at)
    traceparent, at = optional(value, at)
    source, at = optional(value, at)
    tracestate, at = optional(value, at)
    event = Event(
        id=id_,
        type=type_,
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
    return event, at
