"""Where each of the core's writes goes: topic, key, value and headers. Pure."""

from typing import assert_never

import msgspec

from consumer.delivery.delivery import Chunk, Delivery
from consumer.delivery.order_partition import DELAY
from consumer.delivery.step import Bury, Delay, LineUp, Reject, Suspend, Write
from consumer.events.event import RecordHeaders
from consumer.kafka.provenance import Family, dead_letter_headers, poison_headers
from consumer.kafka.records import encode_chunk, encode_dead_letter, encode_delivery
from consumer.kafka.topic_specs import Topics
from consumer.webhooks import record as subscription_record


class Produce(msgspec.Struct, frozen=True, kw_only=True):
    """A record to produce."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: RecordHeaders = ()


def produced(write: Write, topics: Topics, family: Family, *, sealed: bool = False) -> Produce:
    """The record that stands for this write. Of what is to be `sealed` no header tells more than its place and reason.

    Deliveries are keyed by their subscription, ordered ones by their line, chunks by their tenant.
    """
    match write:
        case Delay(tier=tier, delayed=delayed):
            key, value = _delayed(delayed)
            return Produce(topic=topics.retry(tier), key=key, value=value)
        case LineUp(delivery=delivery, delay_ms=delay_ms):
            if delivery.order is None:
                raise AssertionError("what lines up has a line")
            return Produce(
                topic=topics.ordered,
                key=delivery.order.encode(),
                value=encode_delivery(delivery),
                headers=((DELAY, b"%d" % delay_ms),) if delay_ms else (),
            )
        case Bury(dead_letter=dead_letter):
            return Produce(
                topic=topics.dead_letter,
                key=dead_letter.delivery.subscription_id.encode(),
                value=encode_dead_letter(dead_letter),
                headers=dead_letter_headers(dead_letter, family=family, detailed=not sealed),
            )
        case Reject(record=record, poison=poison, left_out_bytes=left_out_bytes):
            return Produce(
                topic=topics.poison,
                key=record.key,
                value=record.value,
                headers=poison_headers(record, poison, left_out_bytes=left_out_bytes, family=family),
            )
        case Suspend(subscription=subscription):
            return Produce(
                topic=topics.subscriptions,
                key=subscription.id.encode(),
                value=subscription_record.encode(subscription),
            )
        case _:
            assert_never(write)


def topic_of(write: Write, topics: Topics) -> str:
    """The topic that a write goes to."""
    match write:
        case Delay(tier=tier):
            return topics.retry(tier)
        case LineUp():
            return topics.ordered
        case Bury():
            return topics.dead_letter
        case Reject():
            return topics.poison
        case Suspend():
            return topics.subscriptions
        case _:
            assert_never(write)


def _delayed(delayed: Delivery | Chunk) -> tuple[bytes, bytes]:
    if isinstance(delayed, Chunk):
        return delayed.event.tenant.encode(), encode_chunk(delayed)
    return delayed.subscription_id.encode(), encode_delivery(delayed)
