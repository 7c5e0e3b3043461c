"""What a latest attempt makes of a delivery that is to be sent again."""

import pytest
from msgspec import structs

from consumer.delivery.delivery import delivery_id
from consumer.events.event import Record
from consumer.jobs.deliveries import of_attempt
from tests.attempts import plain
from tests.deliveries import event, subscription

RECORD = Record(topic="events", partition=0, offset=0, key=None, value=b"", headers=(), timestamp_ms=0)


@pytest.mark.parametrize(
    ("bodies", "logged", "sent"),
    [
        ("whole", b"what was sent", b"what was sent"),
        ("redacted", b"[redacted]", None),
        ("none", b"", None),
        ("a later word", b"[redacted]", None),
    ],
)
def test_what_was_sent_is_sent_again_and_else_its_event_is_rendered(
    bodies: str, logged: bytes, sent: bytes | None
) -> None:
    of, to = event(), subscription()
    attempt = structs.replace(
        plain, delivery_id=delivery_id(of, to.id), subscription_id=to.id, request_body=logged, bodies=bodies
    )
    candidate = of_attempt(attempt, RECORD, of, to, skip=None)
    assert (candidate.skip, candidate.event, candidate.body) == (None, of, sent)
