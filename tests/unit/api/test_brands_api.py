"""What is special about each brand's API. The pages themselves are judged by the acceptance tests."""

import time

import pytest

from consumer.brands.loader import load_brands
from consumer.control.trial import Trial
from consumer.shares import Busy
from consumer.webhooks.subscription import Subscription
from tests.memory_api import MemoryApi, answered

WISH = {"url": "https://example.com/hook"}


def test_conclude_sends_a_test_event_as_soon_as_a_webhook_is_created() -> None:
    api = MemoryApi(brands=["conclude"])
    full = iter([True, True, False])

    def try_out(subscription: Subscription, event_type: str) -> Trial:
        if next(full):
            raise Busy("no room yet", own=True, retry_after_s=1)
        return answered(subscription, event_type)

    api.plane.trial = try_out
    customer = api.client(brand="conclude")
    key = {"Idempotency-Key": "k"}
    created = customer.post("/v1/webhooks", json=WISH | {"events": ["feedback.created"]}, headers=key)
    assert created.status_code == 201
    assert api.plane.tried == [(created.json()["id"], "webhook.test")] * 3
    assert customer.post("/v1/webhooks", json=WISH | {"events": ["feedback.created"]}, headers=key).status_code == 201
    assert len(api.plane.tried) == 3
    assert customer.post("/v1/webhooks", json=WISH | {"secret": "my own secret of Conclude"}).status_code == 422


def test_other_brands_do_not() -> None:
    api = MemoryApi()
    api.webhook(api.client())
    time.sleep(0.05)
    assert api.plane.tried == []


def test_convo_answers_under_data_and_cannot_be_edited() -> None:
    api = MemoryApi(brands=["convo"])
    customer = api.client(brand="convo")
    created = customer.post("/api/v1/webhooks", json=WISH | {"events": ["transcript.ready"]})
    assert created.json().keys() == {"data"}
    webhook = created.json()["data"]
    assert (webhook["events"], webhook["retries"], bool(webhook["secret"])) == (["transcript.ready"], "none", True)
    path = f"/api/v1/webhooks/{webhook['id']}"
    refused = customer.patch(path, json={"name": "x"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE, GET")
    listed = customer.get("/api/v1/webhooks").json()
    assert listed.keys() == {"data", "nextCursor"}
    assert "secret" not in listed["data"][0]
    assert customer.post(f"{path}/test").json()["data"]["status"] == 200
    assert customer.get("/api/v1/event-types").json().keys() == {"data", "nextCursor"}
    unknown = customer.post("/api/v1/webhooks", json=WISH | {"events": ["no.such"]})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "events")
    assert customer.delete(path).json() == {"data": {"id": webhook["id"], "deleted": True, "object": "webhook"}}


def test_featurebase_shows_the_secret_at_any_time() -> None:
    api = MemoryApi(brands=["featurebase"])
    customer = api.client(brand="featurebase")
    webhook = api.webhook(customer, "/v2/webhooks", topics=["post.created"])
    path = f"/v2/webhooks/{webhook['id']}"
    assert customer.get(path).json()["secret"] == webhook["secret"]
    assert customer.get("/v2/webhooks").json()["data"][0]["secret"] == webhook["secret"]
    assert customer.patch(path, json={"name": "x"}).json()["secret"] == webhook["secret"]
    fresh = customer.post(f"{path}/secret").json()["secret"]
    assert fresh != webhook["secret"]
    assert customer.get(path).json()["secret"] == fresh


@pytest.mark.parametrize("brand", [name for name, brand in load_brands().items() if brand.api.secret == "once"])
def test_the_others_show_it_once(brand: str) -> None:
    api = MemoryApi(brands=[brand])
    customer = api.client(brand=brand)
    base = load_brands()[brand].api.base_path
    webhook = api.webhook(customer, base)
    later = [
        customer.get(base),
        customer.get(f"{base}/{webhook['id']}"),
        customer.post(f"{base}/{webhook['id']}/pause"),
    ]
    assert not [answer for answer in later if webhook["secret"] in answer.text]


def test_several_live_behind_one_address() -> None:
    api = MemoryApi(brands=["hookline", "convo", "featurebase"])
    for brand, path in (("hookline", "/v1"), ("convo", "/api/v1"), ("featurebase", "/v2")):
        customer = api.client(brand=brand)
        assert customer.get(f"{path}/webhooks").status_code == 200
        others = {"/v1", "/api/v1", "/v2"} - {path}
        assert [customer.get(f"{other}/webhooks").status_code for other in others] == [404, 404]


def test_ed25519_shows_its_public_key_and_no_secret() -> None:
    api = MemoryApi()
    acme = api.client()
    webhook = api.webhook(acme, signing="ed25519")
    assert webhook["publicKey"].startswith("whpk_")
    assert "secret" not in webhook
    assert acme.get(f"/v1/webhooks/{webhook['id']}").json()["publicKey"] == webhook["publicKey"]
