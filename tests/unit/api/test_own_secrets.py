"""A customer's own secret over the API: what is wrong with a weak one is said, and it is not repeated."""

import base64

import pytest

from tests.memory_api import MemoryApi

TRACKELIO = "/v1/webhooks"
URL = "https://example.com/hook"


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("hunter2", "at least 16 characters"),
        ("x" * 513, "at most 512 characters"),
        ("abababababababababab", "8 different characters"),
    ],
)
def test_a_weak_secret_is_refused_with_what_is_wrong(secret: str, told: str) -> None:
    customer = MemoryApi(brands=("trackelio",)).client(brand="trackelio")
    refused = customer.post(TRACKELIO, json={"url": URL, "events": ["*"], "secret": secret})
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["field"] == "secret"
    assert told in error["message"]
    assert secret not in refused.text


def test_under_another_signing_profile_the_secret_needs_its_form() -> None:
    customer = MemoryApi(brands=("trackelio",)).client(brand="trackelio")
    wishes = {"url": URL, "events": ["*"], "signing": "standard", "secret": "a perfectly long secret"}
    refused = customer.post(TRACKELIO, json=wishes)
    assert "must be whsec_ and base64 of 24 to 64 bytes" in refused.json()["detail"]
    own = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    created = customer.post(TRACKELIO, json=wishes | {"secret": own})
    assert (created.status_code, created.json()["secret"]) == (201, own)


def test_the_same_floor_holds_at_a_rotation() -> None:
    api = MemoryApi(brands=("trackelio",))
    customer = api.client(brand="trackelio")
    webhook = api.webhook(customer, events=["*"], secret="the customer's first own")
    path = f"{TRACKELIO}/{webhook['id']}/secret"
    assert customer.post(path, json={"secret": "short"}).json()["errors"][0]["field"] == "secret"
    rotated = customer.post(path, json={"secret": "the customer's second own"}).json()
    assert rotated["secret"] == "the customer's second own"
    assert "secret" not in customer.get(f"{TRACKELIO}/{webhook['id']}").json()
