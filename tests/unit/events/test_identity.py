import pytest

from consumer.events.identity import webhook_id


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
    assert webhook_id(event_id) == expected
