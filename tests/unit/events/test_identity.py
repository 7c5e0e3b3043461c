import pytest
from msgspec.structs import replace

from consumer.delivery.delivery import delivery_id
from consumer.events.decode import decode
from consumer.events.event import Event
from consumer.events.identity import webhook_id
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas
from tests.deliveries import event
from tests.strategies import record


@pytest.mark.parametrize(
    ("event_id", "expected"),
    [
        ("evt_1-A", "evt_1-A"),
        ("orders.v1-3-7", "orders~2Ev1-3-7"),
        ("~", "~7E"),
        ("é\r\n", "~C3~A9~0D~0A"),
        ("", ""),
    ],
)
def test_webhook_id(event_id: str, expected: str) -> None:
    assert webhook_id(event(event_id)) == expected


def test_a_cloudevent_s_webhook_id_shows_its_id_and_not_the_words_of_its_source() -> None:
    found = webhook_id(replace(event("a.1"), source="/internal/billing"))
    assert found == "a~2E1~~f53091c3fa92fdd3b7217cbc73e2e2ee"


def test_a_topic_that_was_made_anew_has_other_events_under_the_same_offsets() -> None:
    value = b'{"type":"a","tenant":"t"}'
    before = decode(record(value), Schemas(), EventRules())
    after = decode(replace(record(value), timestamp_ms=1_700_000_000_001), Schemas(), EventRules())
    assert isinstance(before, Event)
    assert isinstance(after, Event)
    assert before.id == "orders-3-7-1700000000000" != after.id
    assert webhook_id(before) != webhook_id(after)
    assert delivery_id(before, "wh_1") != delivery_id(after, "wh_1")


@pytest.mark.parametrize(
    "other",
    [
        {"source": "/shop"},
        {"id": "evt_2"},
        {"topic": "orders"},
        {"partition": 1},
        {"offset": 1},
        {"timestamp_ms": 1},
    ],
    ids=str,
)
def test_events_that_differ_in_source_id_place_or_time_are_other_deliveries(other: dict[str, str]) -> None:
    assert delivery_id(event(), "wh_1") != delivery_id(replace(event(), **other), "wh_1")
    assert delivery_id(event(), "wh_1") == delivery_id(replace(event(), data=b"", type="b", time_ms=5), "wh_1")
