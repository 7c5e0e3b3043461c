"""docs/brands.md: the brand it shows, in the same deployment as the five, behaves as its file says."""

from collections.abc import Mapping

import pytest

from tests.acceptance.seeds.deployment import Customer, Hook
from tests.acceptance.seeds.snippets import hex_of_the_body
from tests.brands_page import OWN_EVENTS

WEBHOOKS = "/v1/webhooks"


@pytest.fixture(scope="module")
def acme(customers: Mapping[str, Customer]) -> Customer:
    return customers["acme"]


@pytest.fixture(scope="module")
def hook(acme: Customer) -> Hook:
    return acme.hook(events=["parcel.*"])


def test_its_keys_have_its_prefix(acme: Customer) -> None:
    assert acme.key.startswith("acme_")


def test_its_events_arrive_with_its_headers_and_in_its_format(acme: Customer, hook: Hook) -> None:
    acme.happens("parcel.sent", {"id": "p_1", "weight_g": 5}, time="2026-03-19T14:30:00.000Z")
    arrived = hook.endpoint.of("parcel.sent")
    assert arrived.headers["x-acme-signature"] == hex_of_the_body(hook.secret, arrived.body)
    assert arrived.headers["x-acme-event"] == "parcel.sent"
    assert arrived.headers["user-agent"] == "Acme-Webhooks/1.0"
    assert arrived.json == {
        "event": "parcel.sent",
        "data": {"id": "p_1", "weight_g": 5},
        "timestamp": "2026-03-19T14:30:00.000Z",
    }


def test_a_new_webhook_is_tested_at_once(hook: Hook) -> None:
    assert hook.endpoint.of("webhook.test").headers["x-acme-event"] == "webhook.test"


def test_a_test_event_carries_the_catalogue_s_sample(acme: Customer, hook: Hook) -> None:
    assert acme.ok("POST", f"{WEBHOOKS}/{hook.id}/test", body={"type": "parcel.lost"})["status"] == 200
    data = hook.endpoint.of("parcel.lost").json["data"]
    assert data == {"id": "p_43", "weight_g": 300, "last_seen": "2026-03-12T08:30:00.000Z"}


def test_its_catalogue_is_listed_and_closed(acme: Customer) -> None:
    listed = [each["type"] for each in acme.ok("GET", "/v1/event-types")["data"]]
    assert listed == [
        "parcel.sent",
        "parcel.lost",
        *OWN_EVENTS,
    ]
    url = acme.deployment.endpoints.open().url
    acme.ok("POST", WEBHOOKS, 422, {"url": url, "events": ["parcel.found"]})


def test_its_openapi_is_its_own(acme: Customer) -> None:
    document = acme.ok("GET", "/brands/acme/openapi.json")
    assert {"get", "patch", "delete"} <= set(document["paths"]["/v1/webhooks/{id}"])
    members = document["components"]["schemas"]["WebhookCreate"]["properties"]
    assert ("events" in members, "topics" in members, "secret" in members) == (True, False, False)


def test_another_brand_s_key_does_not_see_its_webhooks(customers: Mapping[str, Customer], hook: Hook) -> None:
    customers["trackelio"].ok("GET", f"{WEBHOOKS}/{hook.id}", 404)
