"""The delivery record, encoded by hand: what every retry, every wait and every delivery in order writes.

The law: the bytes are those that fastavro writes for schemas/avro/Delivery.avsc (`tests/property/test_records.py`).
How it is put together: `avro_text.py`.
"""

from typing import Final

from consumer.delivery.delivery import Delivery
from consumer.kafka.avro_text import NULL, PRESENT, exact, maybe, number, varint
from consumer.schemas import avro_history
from consumer.wire import WireFormat

DELIVERY: Final = WireFormat(avro_history("Delivery"))
_HEAD: Final = DELIVERY.head.decode("latin-1")


def encode_delivery(delivery: Delivery) -> bytes:
    """For a delay topic, or the ordered one.

    Raises:
        UnicodeEncodeError: a text of it is not Unicode.
    """
    event, body = delivery.event, delivery.body
    before = (
        f"{_HEAD}{exact(delivery.id)}{exact(event.id)}{exact(event.type)}{exact(event.tenant)}{maybe(event.product)}"
        f"{varint(event.time_ms)}{varint(len(event.data))}"
    )
    between = (
        f"{exact(event.topic)}{varint(event.partition)}{varint(event.offset)}{varint(event.timestamp_ms)}"
        f"{maybe(event.traceparent)}{maybe(event.source)}{maybe(event.tracestate)}{exact(delivery.subscription_id)}"
        f"{NULL if body is None else PRESENT + varint(len(body))}"
    )
    behind = (
        f"{exact(delivery.content_type)}{maybe(delivery.replay_id)}{varint(delivery.replays)}"
        f"{varint(delivery.attempts)}{varint(delivery.spills)}{chr(delivery.handed_over)}"
        f"{varint(delivery.first_due_ms)}{number(delivery.first_attempt_ms)}{number(delivery.last_status)}"
        f"{exact(delivery.last_reason)}{number(delivery.last_attempt_ms)}{number(delivery.slot_ms)}"
        f"{number(delivery.waiting_since_ms)}{varint(delivery.waited_ms)}{varint(delivery.climbed)}"
        f"{maybe(delivery.order)}{exact(delivery.trigger)}{maybe(delivery.job_id)}"
    )
    parts = (before.encode("latin-1"), event.data, between.encode("latin-1"), body or b"", behind.encode("latin-1"))
    return b"".join(parts)
