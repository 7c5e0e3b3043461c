"""A builder of dead letters for tests."""

from consumer.delivery.delivery import DeadLetter, Delivery, delivery_id
from consumer.events.event import Event


def dead_letter(
    number: int = 1,
    webhook: str = "wh_1",
    *,
    tenant: str = "acme",
    type_: str = "a.b",
    reason: str = "exhausted",
    failed_at_ms: int = 4,
    body: bytes | None = b'{"a":1}',
) -> DeadLetter:
    """Event `e<number>` of the tenant, dead after eight attempts."""
    event = Event(
        id=f"e{number}",
        type=type_,
        tenant=tenant,
        product=None,
        time_ms=1,
        data=b"",
        topic="events",
        partition=0,
        offset=number,
        timestamp_ms=1,
    )
    delivery = Delivery(
        id=delivery_id(event, webhook),
        event=event,
        subscription_id=webhook,
        body=body,
        attempts=8,
        spills=2,
        first_due_ms=1,
        first_attempt_ms=2,
        last_attempt_ms=3,
        last_status=500,
        last_reason="HTTP 500",
    )
    return DeadLetter(
        delivery=delivery,
        reason=reason,
        detail="HTTP 500",
        failed_at_ms=failed_at_ms,
        url="https://a.example/",
        brand="hookline",
    )
