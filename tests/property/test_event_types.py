"""One rule for event types: what can be published can be subscribed to, and the other way round."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from consumer.brands.loader import load_brands
from consumer.events.decode import decode
from consumer.events.event import Event
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas
from consumer.webhooks.fields import check_event_types
from consumer.webhooks.matching import Matcher
from consumer.webhooks.wrong import FieldInvalid
from tests.strategies import record
from tests.webhook_samples import subscription

BRAND = load_brands()["hookline"]
TYPES = (
    st.text(max_size=210)
    | st.text("ab.* \u00a0\u200b\u202e\u2028\x00", max_size=6)
    | st.sampled_from(["a" * 200, "a" * 201])
)


@given(event_type=TYPES)
def test_what_can_be_published_can_be_subscribed_to_and_nothing_else(event_type: str) -> None:
    value = msgspec.json.encode({"type": event_type, "tenant": "t", "data": {}})
    decoded = decode(record(value), Schemas(), EventRules())
    if isinstance(decoded, Event):
        chosen = check_event_types((event_type,), BRAND)
        assert Matcher([subscription(event_types=chosen)]).match(decoded)
        return
    if event_type == "*" or event_type.endswith(".*"):
        return  # stands for others
    try:
        check_event_types((event_type,), BRAND)
    except FieldInvalid:
        return
    raise AssertionError(f"{event_type!r} can be chosen and never comes")
