"""Webhooks by the names that their customers give them, their notes, and the lists of those that are meant."""

from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from consumer.control.errands import CLAIMED_MS
from tests.memory_api import MemoryApi, Topics
from tests.memory_topic import Losing

KEY = {"Idempotency-Key": "order-7"}
BODY: dict[str, Any] = {"url": "https://example.com/hook"}


def put(client: TestClient, headers: dict[str, str] | None = None, uid: str = "billing", **more: object) -> Response:
    return client.put(f"/v1/webhooks/by-uid/{uid}", json=BODY | more, headers=headers)


def test_a_webhook_is_created_by_its_uid_and_then_made_as_the_body_says(api: MemoryApi) -> None:
    acme = api.client()
    first = put(acme, metadata={"team": "a"}, requestConfig={"headers": {"X-A": "b"}}, topics=["a.*"], name="n")
    assert (first.status_code, first.json()["uid"], first.json()["metadata"]) == (201, "billing", {"team": "a"})
    assert first.json()["secret"].startswith("whsec_")
    then = put(acme, secret=first.json()["secret"], signing="standard", requestConfig={"timeoutMs": 5_000})
    assert (then.status_code, then.json()["id"], "secret" in then.json()) == (200, first.json()["id"], False)
    left = {name: then.json()[name] for name in ("name", "topics", "metadata")}
    assert left == {"name": "", "topics": ["*"], "metadata": {}}
    assert then.json()["requestConfig"] == {"timeoutMs": 5_000, "headers": {}}
    found = acme.get("/v1/webhooks/by-uid/billing")
    assert (found.status_code, found.json(), found.headers["etag"]) == (200, then.json(), '"2"')


def test_its_status_stays_where_none_is_given(api: MemoryApi) -> None:
    acme = api.client()
    assert put(acme, status="paused").json()["status"] == "paused"
    assert put(acme).json()["status"] == "paused"
    assert put(acme, status="active").json()["status"] == "active"


def test_what_was_decided_at_the_creation_is_not_passed_over(api: MemoryApi) -> None:
    acme = api.client()
    put(acme)
    wrong = put(acme, signing="hex", secret="a secret of my own, long enough")
    told = {each["field"]: each["code"] for each in wrong.json()["errors"]}
    assert (wrong.status_code, told) == (422, {"signing": "fixed", "secret": "fixed"})


def test_a_uid_that_is_taken_is_a_409_and_another_owners_is_not_there(api: MemoryApi) -> None:
    acme = api.client()
    put(acme)
    taken = acme.post("/v1/webhooks", json=BODY | {"uid": "billing"})
    assert (taken.status_code, "uid billing" in taken.json()["detail"]) == (409, True)
    other = api.client(tenant="other")
    assert other.get("/v1/webhooks/by-uid/billing").status_code == 404
    assert put(other).status_code == 201


def test_a_condition_holds_for_one_that_is_not_there_either(api: MemoryApi) -> None:
    acme = api.client()
    assert put(acme, {"If-Match": '"1"'}).status_code == 412
    put(acme)
    assert put(acme, {"If-Match": '"7"'}).status_code == 412
    assert put(acme, {"If-Match": '"1"'}).headers["etag"] == '"2"'


@pytest.mark.parametrize("changed", [False, True])
def test_one_whose_outcome_is_unknown_is_found_and_told_with_its_secret_only_if_it_created(changed: bool) -> None:
    topic = Losing()
    api = MemoryApi(Topics(subscriptions=topic))
    acme = api.client()
    if changed:
        put(acme)
    topic.losing = True
    assert put(acme, KEY, name="n").status_code == 503
    topic.losing = False
    written = len(topic.records)
    api.plane.now_ms += CLAIMED_MS
    late = put(acme, KEY, name="n")
    assert (late.status_code, "secret" in late.json(), late.json()["name"]) == (
        (200, False, "n") if changed else (201, True, "n")
    )
    assert len(topic.records) == written


def test_all_that_is_wrong_is_told_at_once(api: MemoryApi) -> None:
    acme = api.client()
    wrong = put(acme, uid="-x", metadata={"": "v"}, rateLimit=0)
    told = {each["field"]: each["code"] for each in wrong.json()["errors"]}
    assert (wrong.status_code, told) == (422, {"uid": "malformed", "metadata": "empty", "rateLimit": "out_of_range"})
    assert put(acme, uidd="x").status_code == 422
    assert put(acme, status="suspended").status_code == 422


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({str(number): "" for number in range(21)}, "too_many"),
        ({"n" * 65: ""}, "too_long"),
        ({"n": "ü" * 1_024}, "too_long"),
        ({"n": "a\nb"}, "forbidden_character"),
        ({"n\u202e": ""}, "forbidden_character"),
        ({"n": 1}, "wrong_type"),
    ],
)
def test_notes_are_bounded(api: MemoryApi, metadata: dict[str, object], code: str) -> None:
    wrong = api.client().post("/v1/webhooks", json=BODY | {"metadata": metadata})
    assert (wrong.status_code, [each["code"] for each in wrong.json()["errors"]]) == (422, [code])


def test_notes_are_changed_whole_and_cleared_by_null(api: MemoryApi) -> None:
    acme = api.client()
    path = f"/v1/webhooks/{api.webhook(acme, metadata={'a': '1', 'b': '2'})['id']}"
    assert acme.patch(path, json={"name": "n"}).json()["metadata"] == {"a": "1", "b": "2"}
    assert acme.patch(path, json={"metadata": {"c": "3"}}).json()["metadata"] == {"c": "3"}
    assert acme.patch(path, json={"metadata": None}).json()["metadata"] == {}


def test_a_brand_whose_webhooks_are_not_changed_has_no_put() -> None:
    api = MemoryApi(brands=["convo"])
    convo = api.client(brand="convo")
    created = convo.post("/api/v1/webhooks", json=BODY | {"uid": "u", "events": ["conversation.shared"]})
    assert (created.status_code, created.json()["data"]["uid"]) == (201, "u")
    assert convo.get("/api/v1/webhooks/by-uid/u").json()["data"]["uid"] == "u"
    refused = convo.put("/api/v1/webhooks/by-uid/u", json=BODY)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


def test_lists_show_those_that_are_meant(api: MemoryApi) -> None:
    acme = api.client()
    api.webhook(acme, name="all")
    api.webhook(acme, name="orders", topics=["order.*"], product="shop")
    api.webhook(acme, name="paid", topics=["order.paid", "x"], status="paused", url="https://Other.example/A")

    def names(**query: str) -> list[str]:
        answer = acme.get("/v1/webhooks", params=query)
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json()["data"]]

    assert names() == ["all", "orders", "paid"]
    assert names(topic="order.paid") == ["all", "orders", "paid"]
    assert names(topic="order.sent") == ["all", "orders"]
    assert names(topic="order.*") == ["all", "orders"]
    assert names(status="paused") == ["paid"]
    assert names(product="shop", topic="order.paid") == ["orders"]
    assert names(url="OTHER.example/a") == ["paid"]
    for name, value, code in (
        ("events", "a", "unknown"),
        ("topic", "a*", "malformed"),
        ("status", "x", "not_a_choice"),
    ):
        wrong = acme.get("/v1/webhooks", params={name: value})
        told = [(each["field"], each["code"]) for each in wrong.json()["errors"]]
        assert (wrong.status_code, told) == (422, [(name, code)])


def test_a_page_of_those_that_are_meant_goes_on_and_its_cursor_is_theirs(api: MemoryApi) -> None:
    acme = api.client()
    for number in range(7):
        api.webhook(acme, name=str(number), product="p" if number % 2 else "q")
    seen: list[str] = []
    query = {"product": "p", "limit": "1"}
    while True:
        told = acme.get("/v1/webhooks", params=query).json()
        seen += [each["name"] for each in told["data"]]
        if told["nextCursor"] is None:
            break
        assert acme.get("/v1/webhooks", params={"product": "q", "cursor": told["nextCursor"]}).status_code == 422
        query["cursor"] = told["nextCursor"]
    assert seen == ["1", "3", "5"]


def test_the_parameter_is_called_as_the_brand_calls_its_types() -> None:
    api = MemoryApi(brands=["mintlify"])
    mint = api.client(brand="mintlify")
    api.webhook(mint, events=["a.b"])
    assert len(mint.get("/v1/webhooks", params={"event": "a.b"}).json()["data"]) == 1
    assert mint.get("/v1/webhooks", params={"topic": "a.b"}).status_code == 422
