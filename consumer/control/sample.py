"""The event that a test sends: one that never happened, of a type that could have. Pure.

The law: its id begins with `test_`, which no event from a topic can be relied on to do, so a receiver that looks can
tell; everything else about it is as it would be for an event of that type, its data the catalogue's sample.
"""

from typing import Final

import msgspec

from consumer.brands.brand import TEST, Brand
from consumer.events.event import Event
from consumer.json import Json
from consumer.webhooks.fields import check_event_type
from consumer.webhooks.secrets import Entropy
from consumer.webhooks.subscription import Subscription

_ID_PREFIX: Final = "test_"
_ID_BYTES: Final = 12


def sample_event(
    subscription: Subscription,
    event_type: str,
    brand: Brand,
    *,
    now_ms: int,
    entropy: Entropy,
    data: bytes | None = None,
) -> Event:
    """A sample event of this type for the webhook's own tenant and product; with `data`, a JSON object, in its stead.

    Any type the brand knows may be tried, also one the webhook did not subscribe to. One that an open catalogue does
    not list has the data of webhook.test.

    Raises:
        FieldInvalid: of the field `type`: no event could have this type.
    """
    sample = sample_data(event_type, brand)
    return Event(
        id=_ID_PREFIX + entropy(_ID_BYTES).hex(),
        type=event_type,
        tenant=subscription.tenant,
        product=subscription.product,
        time_ms=now_ms,
        data=msgspec.json.encode(sample) if data is None else data,
        topic="",
        partition=-1,
        offset=-1,
        timestamp_ms=now_ms,
    )


def sample_data(event_type: str, brand: Brand) -> Json:
    """The data of a sample of this type.

    Raises:
        FieldInvalid: of the field `type`: no event could have this type.
    """
    check_event_type("type", event_type, brand)
    announced = brand.announced(event_type) or brand.announced(TEST)
    assert announced is not None  # every brand announces webhook.test
    return announced.sample
