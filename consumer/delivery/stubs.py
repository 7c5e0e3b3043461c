"""What is written instead of a record that its topic refuses for its size. Pure.

The law: a record too large for one of our topics stops nothing and is not lost in silence. Its stub says what it was,
how large, and where its original lies: in the event topic, at the topic, partition and offset that it names.

A delivery that is too large to wait has nowhere to wait: it becomes a dead letter. So has an event that was not matched
yet: it becomes poison.
"""

from collections.abc import Callable
from typing import assert_never

from msgspec.structs import replace

from consumer.delivery.delivery import Chunk, DeadLetter, Delivery, delivery_id
from consumer.delivery.outcome import DeathReason
from consumer.delivery.step import Bury, Delay, LineUp, Reject, Suspend, Write
from consumer.events.event import Poison, Record
from consumer.events.reasons import PoisonReason
from consumer.webhooks.subscription import Subscription

_KEY_BYTES = 1_024
_UNMATCHED = Poison(
    reason=PoisonReason.TOO_LARGE,
    detail="its tenant's webhooks could not be read, and it does not fit in the topic where it would have waited",
)


def stubs(
    write: Write, size: int, now_ms: int, subscription_of: Callable[[str], Subscription | None]
) -> tuple[Write, ...]:
    """The writes that stand for this one of `size` bytes. A suspension has none: its next cause asks for it again."""
    match write:
        case Reject(record=record, poison=poison):
            small_key = record.key if record.key is not None and len(record.key) <= _KEY_BYTES else None
            short = replace(record, key=small_key, value=None, headers=())
            return (Reject(record=short, poison=poison, left_out_bytes=size),)
        case Bury(dead_letter=dead_letter):
            return (Bury(dead_letter=_without_payload(dead_letter, size)),)
        case Delay(delayed=Chunk(unmatched=True, event=event)):
            place = Record(
                topic=event.topic,
                partition=event.partition,
                offset=event.offset,
                key=None,
                value=None,
                headers=(),
                timestamp_ms=event.timestamp_ms,
            )
            return (Reject(record=place, poison=_UNMATCHED, left_out_bytes=size),)
        case LineUp(delivery=delivery):
            return (_buried(delivery, size, now_ms, subscription_of(delivery.subscription_id)),)
        case Delay(delayed=delayed):
            return tuple(
                _buried(delivery, size, now_ms, subscription_of(delivery.subscription_id))
                for delivery in ([delayed] if isinstance(delayed, Delivery) else _first_tries(delayed))
            )
        case Suspend():
            return ()
        case _:
            assert_never(write)


def _first_tries(chunk: Chunk) -> list[Delivery]:
    return [
        Delivery(
            id=delivery_id(chunk.event, subscription_id),
            event=chunk.event,
            subscription_id=subscription_id,
            first_due_ms=chunk.first_due_ms,
        )
        for subscription_id in chunk.subscription_ids
    ]


def _buried(delivery: Delivery, size: int, now_ms: int, subscription: Subscription | None) -> Bury:
    dead_letter = DeadLetter(
        delivery=delivery,
        reason=DeathReason.TOO_LARGE,
        detail=f"its record of {size} bytes does not fit in the topic where deliveries wait",
        failed_at_ms=now_ms,
        url="" if subscription is None else subscription.url,
        brand="hookline" if subscription is None else subscription.brand,
    )
    return Bury(dead_letter=_without_payload(dead_letter, size))


def _without_payload(dead_letter: DeadLetter, size: int) -> DeadLetter:
    delivery = dead_letter.delivery
    event = replace(delivery.event, data=b"")
    return replace(dead_letter, delivery=replace(delivery, event=event, body=None), left_out_bytes=size)
