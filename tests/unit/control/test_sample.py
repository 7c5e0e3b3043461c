import json

import pytest

from consumer.brands.loader import brand, load_brands
from consumer.control.sample import sample_event
from consumer.webhooks.wrong import FieldInvalid
from tests.webhook_samples import NOW_MS, subscription


def sample_of(brand_name: str, event_type: str) -> dict[str, object]:
    event = sample_event(
        subscription(brand=brand_name), event_type, brand(brand_name), now_ms=NOW_MS, entropy=lambda n: b"\xab" * n
    )
    assert (event.id, event.type, event.tenant, event.time_ms) == ("test_" + "ab" * 12, event_type, "acme", NOW_MS)
    data: dict[str, object] = json.loads(event.data)
    return data


@pytest.mark.parametrize("name", load_brands())
def test_every_announced_type_is_tried_with_its_own_sample(name: str) -> None:
    for entry in brand(name).catalogue:
        assert sample_of(name, entry.type) == entry.sample


def test_a_type_that_an_open_catalogue_does_not_list_is_tried_with_the_test_s_data() -> None:
    assert list(sample_of("hookline", "shop.opened")) == ["message"]


@pytest.mark.parametrize(("name", "event_type"), [("convo", "order.paid"), ("hookline", "order.*"), ("hookline", "*")])
def test_a_type_that_no_event_has_is_refused_as_the_field_type(name: str, event_type: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        sample_of(name, event_type)
    assert refused.value.field == "type"
