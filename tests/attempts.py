"""A sample of an attempt for tests."""

from consumer.delivery.delivery import Attempt

plain = Attempt(
    delivery_id="d",
    event_id="e",
    event_type="order.created",
    tenant="acme",
    subscription_id="wh_1",
    number=1,
    at_ms=1_763_712_000_123,
    url="https://example.com/",
    request_headers=(("content-type", "application/json"),),
    request_body=b"{}",
    status=200,
    response_headers=(),
    response_body=b"ok",
    response_truncated=False,
    failure=None,
    failure_detail="",
    elapsed_ms=1.5,
    outcome="delivered",
    next_tier=None,
    replay_id=None,
)
