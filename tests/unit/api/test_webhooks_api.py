"""Webhooks over the API: created, looked at, changed and deleted."""

from consumer.control.applied import Seen
from tests.memory_api import MemoryApi, Topics


def test_a_webhook_from_its_creation_to_its_end(api: MemoryApi) -> None:
    acme = api.client()
    created = acme.post(
        "/v1/webhooks",
        json={
            "url": "https://example.com/hook",
            "topics": ["order.paid", "invoice.*"],
            "name": "Orders",
            "description": "for the shop",
            "product": "shop",
            "requestConfig": {"timeoutMs": 5_000, "headers": {"X-Team": "s3cret"}},
            "filter": {"amount": [{"numeric": [">", 5]}]},
            "rateLimit": 2.5,
            "maxConcurrency": 3,
            "ordering": "data.order_id",
            "retries": "none",
            "payloadFormat": "event",
            "signing": "stripe",
        },
    )
    assert created.status_code == 201
    body = created.json()
    assert body["secret"].startswith("whsec_")
    assert created.headers["etag"] == '"1"'
    assert "s3cret" not in created.text
    shown = acme.get(f"/v1/webhooks/{body['id']}")
    assert shown.status_code == 200
    assert shown.json() == {name: value for name, value in body.items() if name != "secret"}
    assert shown.json() | {"createdAt": "", "updatedAt": "", "id": ""} == {
        "id": "",
        "object": "webhook",
        "uid": None,
        "name": "Orders",
        "description": "for the shop",
        "url": "https://example.com/hook",
        "topics": ["order.paid", "invoice.*"],
        "status": "active",
        "statusReason": None,
        "requestConfig": {"timeoutMs": 5_000, "headers": {"X-Team": "[hidden]"}},
        "version": "1",
        "tenant": "acme",
        "product": "shop",
        "brand": "hookline",
        "signing": "stripe",
        "payloadFormat": "event",
        "retries": "none",
        "filter": {"amount": [{"numeric": [">", 5]}]},
        "rateLimit": 2.5,
        "maxConcurrency": 3,
        "ordering": "data.order_id",
        "metadata": {},
        "tls": None,
        "previousSecretUntil": None,
        "onFailure": "dead_letter",
        "health": {
            "avgResponseTime": None,
            "consecutiveFailures": 0,
            "errorsSinceLastSuccess": 0,
            "lastResponseTime": None,
            "lastSuccessAt": None,
            "lastStatus": None,
        },
        "backlog": {"waiting": 0, "until": None, "blockedKeys": 0},
        "lastStatus": None,
        "createdAt": "",
        "updatedAt": "",
    }
    gone = acme.delete(f"/v1/webhooks/{body['id']}")
    assert (gone.status_code, gone.json()) == (200, {"id": body["id"], "deleted": True, "object": "webhook"})
    assert acme.get(f"/v1/webhooks/{body['id']}").status_code == 404
    assert acme.get("/v1/webhooks").json() == {"object": "list", "data": [], "nextCursor": None}


def test_a_patch_keeps_what_it_does_not_name_and_replaces_lists_and_headers_whole(api: MemoryApi) -> None:
    acme = api.client()
    was = api.webhook(
        acme,
        topics=["a", "b"],
        name="n",
        requestConfig={"timeoutMs": 4_000, "headers": {"X-One": "1", "X-Two": "2"}},
        rateLimit=5,
    )
    path = f"/v1/webhooks/{was['id']}"
    changed = acme.patch(path, json={"topics": ["c"], "requestConfig": {"headers": {"X-Three": "3"}}})
    assert changed.status_code == 200
    now = changed.json()
    assert (now["topics"], now["name"], now["rateLimit"]) == (["c"], "n", 5)
    assert now["requestConfig"] == {"timeoutMs": 4_000, "headers": {"X-Three": "[hidden]"}}
    assert "secret" not in now
    assert acme.patch(path, json={"topics": []}).json()["errors"][0]["code"] == "empty"
    cleared = acme.patch(
        path, json={"topics": ["*"], "rateLimit": None, "name": None, "requestConfig": {"headers": {}}}
    )
    now = cleared.json()
    assert (now["topics"], now["name"], now["rateLimit"], now["requestConfig"]["headers"]) == (["*"], "", None, {})
    assert acme.patch(path, json={}).status_code == 200


def test_status_is_changed_with_the_rest_in_one_revision(api: MemoryApi) -> None:
    acme = api.client()
    path = f"/v1/webhooks/{api.webhook(acme)['id']}"
    paused = acme.patch(path, json={"status": "paused", "name": "x"})
    assert (paused.json()["status"], paused.json()["name"], paused.headers["etag"]) == ("paused", "x", '"2"')
    assert acme.patch(path, json={"status": "suspended"}).status_code == 422
    assert acme.post(f"{path}/resume").json()["status"] == "active"
    assert acme.post(f"{path}/pause").json()["status"] == "paused"


def test_stopped_keys_are_let_go_on_all_of_them_or_one(api: MemoryApi) -> None:
    acme = api.client()
    made = api.webhook(acme, ordering="key", onFailure="block")
    assert made["onFailure"] == "block"
    path = f"/v1/webhooks/{made['id']}"
    one = "0123456789abcdef" * 2
    assert acme.post(f"{path}/unblock", json={"head": "retry", "delivery": one}).status_code == 200
    assert acme.post(f"{path}/unblock", json={"head": "drop"}).headers["etag"] == '"3"'
    assert acme.post(f"{path}/unblock", json={"head": "skip"}).status_code == 422
    wrong = acme.post(f"{path}/unblock", json={"head": "drop", "delivery": "the first"})
    assert wrong.json()["errors"][0]["field"] == "delivery"
    assert acme.patch(path, json={"onFailure": None}).json()["onFailure"] == "dead_letter"


def test_another_host_clears_the_headers_and_says_so(api: MemoryApi) -> None:
    acme = api.client()
    path = f"/v1/webhooks/{api.webhook(acme, requestConfig={'headers': {'X-Key': 'k'}})['id']}"
    stayed = acme.patch(path, json={"url": "https://example.com/other"})
    assert "notice" not in stayed.headers
    moved = acme.patch(path, json={"url": "https://example.org/hook"})
    assert moved.headers["notice"] == "custom headers were cleared because the host changed"
    assert moved.json()["requestConfig"]["headers"] == {}


def test_if_match_lets_a_change_through_only_of_what_was_read(api: MemoryApi) -> None:
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    path = f"/v1/webhooks/{id_}"
    assert acme.patch(path, json={"name": "1"}, headers={"If-Match": '"1"'}).status_code == 200
    for stale in ('"1"', 'W/"2"', '"abc"', '"7", "8"'):
        assert acme.patch(path, json={"name": "2"}, headers={"If-Match": stale}).status_code == 412
        assert acme.delete(path, headers={"If-Match": stale}).status_code == 412
    assert acme.patch(path, json={"name": "3"}, headers={"If-Match": '"1", "2"'}).json()["name"] == "3"
    assert acme.patch(path, json={"name": "4"}, headers={"If-Match": "*"}).json()["name"] == "4"
    assert acme.patch(path, json={"name": "5"}, headers={"If-Match": "4"}).status_code == 400
    assert acme.delete(path, headers={"If-Match": '"4"'}).status_code == 200


def test_a_rotation_shows_the_new_secret_once(api: MemoryApi) -> None:
    acme = api.client()
    was = api.webhook(acme)
    path = f"/v1/webhooks/{was['id']}"
    rotated = acme.post(f"{path}/secret")
    assert rotated.status_code == 200
    assert rotated.json()["secret"] not in {was["secret"], None}
    own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert acme.post(f"{path}/secret", json={"secret": own, "overlapSeconds": 0}).json()["secret"] == own
    assert "secret" not in acme.get(path).json()
    assert acme.post(f"{path}/secret", json={"overlapSeconds": -1}).status_code == 422


def test_a_test_event_tells_what_its_sender_wants(api: MemoryApi) -> None:
    acme = api.client()
    path = f"/v1/webhooks/{api.webhook(acme)['id']}/test"
    assert acme.post(path, json={"data": {"n": 1, "text": "ü"}}).status_code == 200
    assert api.plane.data == '{"n":1,"text":"ü"}'.encode()
    large = acme.post(path, json={"data": {"text": "x" * 65_536}})
    assert (large.status_code, large.json()["errors"][0]["field"]) == (422, "data")
    assert acme.post(path, json={"data": [1]}).status_code == 422


def test_the_test_event_answers_with_what_came_back(api: MemoryApi) -> None:
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    path = f"/v1/webhooks/{id_}/test"
    told = {"status": 200, "body": "thanks", "elapsedMs": 12.3, "error": None, "attemptId": None, "explanation": None}
    assert acme.post(path).json() == told
    assert acme.post(path, json={"type": "order.paid"}).status_code == 200
    assert api.plane.tried == [(id_, "webhook.test"), (id_, "order.paid")]
    refused = acme.post(path, json={"type": "order.*"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "type")


def test_two_processes_see_each_others_writes_at_once() -> None:
    topics = Topics()
    here, there = MemoryApi(topics), MemoryApi(topics)
    text = here.key()[1]
    path = f"/v1/webhooks/{here.webhook(here.bearing(text))['id']}"
    assert there.bearing(text).get(path).status_code == 200
    assert there.bearing(text).patch(path, json={"name": "there"}).headers["etag"] == '"2"'
    assert here.bearing(text).get(path).json()["name"] == "there"


def test_of_two_patches_at_once_both_hold(api: MemoryApi) -> None:
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    rival = MemoryApi(api.topics)
    rivals = rival.bearing(rival.key()[1])
    path = f"/v1/webhooks/{id_}"
    api.topics.subscriptions.before_write = lambda: rivals.patch(path, json={"description": "theirs"})
    assert acme.patch(path, json={"name": "ours"}).status_code == 200
    now = acme.get(path).json()
    assert (now["name"], now["description"]) == ("ours", "theirs")


def test_a_webhook_deleted_meanwhile_is_a_404(api: MemoryApi) -> None:
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    rival = MemoryApi(api.topics)
    rivals = rival.bearing(rival.key()[1])
    api.topics.subscriptions.before_write = lambda: rivals.delete(f"/v1/webhooks/{id_}")
    assert acme.patch(f"/v1/webhooks/{id_}", json={"name": "late"}).status_code == 404


def test_a_write_that_deliveries_do_not_go_by_yet_says_so() -> None:
    """Redis takes no writes: what was asked for holds, and was a 201 as any other."""
    api = MemoryApi()
    acme = api.client()
    key = {"Idempotency-Key": "once"}
    api.plane.cache.seen = Seen.CACHE_UNREACHABLE
    created = acme.post("/v1/webhooks", json={"url": "https://example.com/hook"}, headers=key)
    path = f"/v1/webhooks/{created.json()['id']}"
    writes = [
        created,
        acme.patch(path, json={"name": "new"}),
        acme.post(f"{path}/pause"),
        acme.post(f"{path}/resume"),
        acme.post(f"{path}/secret"),
    ]
    assert [each.status_code for each in writes] == [201, 200, 200, 200, 200]
    assert [each.headers.get("webhook-applied") for each in writes] == ["false"] * 5
    assert "webhook-applied" not in acme.get(path).headers
    again = acme.post("/v1/webhooks", json={"url": "https://example.com/hook"}, headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert "webhook-applied" not in again.headers  # it was true of that moment
    api.plane.cache.seen = Seen.APPLIED
    assert "webhook-applied" not in acme.patch(path, json={"name": "newer"}).headers
    api.plane.cache.seen = Seen.NO_PROJECTION
    assert acme.delete(path).headers["webhook-applied"] == "false"
