"""Webhooks over the API: created, looked at, changed and deleted."""

from dataclasses import replace
from pathlib import Path

import pytest

from consumer.control.applied import Seen
from consumer.control.keys import Scope
from consumer.log.health import Health, LastStatus
from consumer.settings import Settings
from consumer.standings.store import Backlog
from consumer.webhooks.headers import open_headers
from consumer.webhooks.wrong import Code, invalid
from tests.memory_api import KEYS, OWNER, MemoryApi, Topics
from tests.own_tls import authority_in, identity, trusting


@pytest.fixture
def api() -> MemoryApi:
    return MemoryApi()


@pytest.fixture(scope="module")
def shared() -> MemoryApi:
    """For tests that leave nothing behind."""
    return MemoryApi()


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


def test_the_end_of_a_former_secret_is_shown(api: MemoryApi) -> None:
    acme = api.client()
    path = f"/v1/webhooks/{api.webhook(acme)['id']}"
    ends = [
        acme.post(f"{path}/secret", json={"overlapSeconds": seconds}).json()["previousSecretUntil"]
        for seconds in (3_600, 60, 0)
    ]
    assert (ends[0], ends[0] == ends[1], ends[2]) == (ends[1], True, None)
    assert acme.get(path).json()["previousSecretUntil"] is None


def test_health_is_shown_where_it_is_known(api: MemoryApi) -> None:
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    api.healths.known[id_] = Health(
        avg_response_ms=12.345,
        consecutive_failures=2,
        errors_since_last_success=3,
        last_response_ms=20.0,
        last_success_at_ms=1_769_860_800_000,
        last_status=LastStatus(code=500, message="Internal Server Error", at_ms=1_769_860_801_000),
    )
    expected = {
        "avgResponseTime": 12.3,
        "consecutiveFailures": 2,
        "errorsSinceLastSuccess": 3,
        "lastResponseTime": 20.0,
        "lastSuccessAt": "2026-01-31T12:00:00.000Z",
        "lastStatus": {"code": 500, "message": "Internal Server Error", "timestamp": "2026-01-31T12:00:01.000Z"},
    }
    assert acme.get(f"/v1/webhooks/{id_}").json()["health"] == expected
    assert acme.get("/v1/webhooks").json()["data"][0]["health"] == expected
    api.healths.away = True
    assert set(acme.get(f"/v1/webhooks/{id_}").json()["health"].values()) == {None}


def test_what_waits_is_shown_where_it_is_known(api: MemoryApi) -> None:
    acme = api.client()
    created = api.webhook(acme)
    assert created["backlog"] == {"waiting": 0, "until": None, "blockedKeys": 0}
    api.backlogs.away = True
    assert acme.get(f"/v1/webhooks/{created['id']}").json()["backlog"] is None
    api.backlogs.away = False
    api.backlogs.known[created["id"]] = Backlog(waiting=7_963, until_ms=1_769_860_800_000, blocked=3)
    expected = {"waiting": 7_963, "until": "2026-01-31T12:00:00.000Z", "blockedKeys": 3}
    assert acme.get(f"/v1/webhooks/{created['id']}").json()["backlog"] == expected
    assert acme.get("/v1/webhooks").json()["data"][0]["backlog"] == expected


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


def test_pages_are_of_the_size_asked_for_and_lead_to_each_other(api: MemoryApi) -> None:
    acme = api.client()
    made = [api.webhook(acme, name=str(number))["id"] for number in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = acme.get("/v1/webhooks", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [each["id"] for each in page["data"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(made)
    assert len(set(seen)) == 5


def test_a_cursor_is_taken_as_it_was_given_by_whom_it_was_given_to(api: MemoryApi) -> None:
    acme, other = api.client(), api.client(tenant="other")
    for _ in range(2):
        api.webhook(acme)
    cursor = acme.get("/v1/webhooks", params={"limit": 1}).json()["nextCursor"]
    for bad in (cursor[:-2] + "AA", cursor + "A", "A" + cursor, "x", "…", ""):
        refused = acme.get("/v1/webhooks", params={"cursor": bad})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "cursor"), bad
    assert other.get("/v1/webhooks", params={"cursor": cursor}).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 5}, "url"),
        ({"url": "http://example.com"}, "url"),
        ({"url": "https://u:p@example.com"}, "url"),
        ({"topics": "a"}, "topics"),
        ({"topics": ["a\u2028b"]}, "topics"),
        ({"topics": []}, "topics"),
        ({"events": ["a"]}, "events"),
        ({"requestConfig": {"timeoutMs": 999}}, "requestConfig.timeoutMs"),
        ({"requestConfig": {"timeoutMs": "5000"}}, "requestConfig.timeoutMs"),
        ({"requestConfig": {"headers": {"Host": "x"}}}, "requestConfig.headers"),
        ({"rateLimit": 0}, "rateLimit"),
        ({"rateLimit": True}, "rateLimit"),
        ({"maxConcurrency": 0}, "maxConcurrency"),
        ({"ordering": "order_id"}, "ordering"),
        ({"ordering": "data."}, "ordering"),
        ({"ordering": "data.a..b"}, "ordering"),
        ({"filter": {"a": []}}, "filter"),
        ({"retries": "often"}, "retries"),
        ({"payloadFormat": "xml"}, "payloadFormat"),
        ({"signing": "none"}, "signing"),
        ({"secret": "short"}, "secret"),
        ({"name": "two\nlines"}, "name"),
        ({"product": ""}, "product"),
        ({"status": "suspended"}, "status"),
        ({"tenant": "other"}, "tenant"),
        ({"id": "wh_mine"}, "id"),
    ],
)
def test_a_field_that_cannot_be_is_named_as_it_was_written(
    shared: MemoryApi, body: dict[str, object], field: str
) -> None:
    given = body if "url" in body or field == "url" else {"url": "https://example.com/", **body}
    refused = shared.client().post("/v1/webhooks", json=given)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert [each["field"] for each in refused.json()["errors"]] == [field]
    assert {each["code"] for each in refused.json()["errors"]} <= set(Code)
    assert not shared.topics.subscriptions.records


def test_all_that_is_wrong_with_a_body_is_told_at_once(api: MemoryApi) -> None:
    def refuse(url: str) -> None:
        raise invalid("url", Code.NOT_PUBLIC, "not there")

    api.check = refuse
    wrong = {"topics": ["a*"], "name": "a\u202eb", "rateLimit": -1, "secret": "short"}
    refused = api.client().post("/v1/webhooks", json={"url": "https://a.example/", **wrong}).json()
    assert [(each["field"], each["code"]) for each in refused["errors"]] == [
        ("url", "not_public"),
        ("topics", "malformed"),
        ("name", "forbidden_character"),
        ("secret", "malformed"),
        ("rateLimit", "out_of_range"),
    ]
    assert refused["detail"].count(";") == 4


def test_what_has_another_type_does_not_keep_back_what_is_wrong_besides(api: MemoryApi) -> None:
    acme = api.client()
    wrong = {
        "retries": "often",
        "nonsense": 1,
        "topics": ["a*"],
        "requestConfig": {"timeoutMs": "1", "headers": {"Host": "x"}},
    }
    expected = [
        ("requestConfig.timeoutMs", "wrong_type"),
        ("retries", "not_a_choice"),
        ("nonsense", "unknown"),
        ("topics", "malformed"),
        ("requestConfig.headers", "reserved"),
    ]
    created = acme.post("/v1/webhooks", json={"url": "https://a.example/", **wrong})
    updated = acme.patch(f"/v1/webhooks/{api.webhook(acme)['id']}", json=wrong)
    for refused in (created, updated):
        assert sorted((each["field"], each["code"]) for each in refused.json()["errors"]) == sorted(expected)
    assert acme.patch("/v1/webhooks/wh_none", json=wrong).status_code == 422
    assert acme.post("/v1/webhooks", json={"topics": ["a*"]}).json()["errors"][0]["code"] == "missing"
    assert acme.post("/v1/webhooks", json=[1]).status_code == 422


def test_hidden_sent_back_keeps_a_header_and_is_refused_where_there_is_none(api: MemoryApi) -> None:
    acme = api.client()
    made = api.webhook(acme, requestConfig={"headers": {"Authorization": "Bearer x"}})
    path, shown = f"/v1/webhooks/{made['id']}", made["requestConfig"]
    assert shown["headers"] == {"Authorization": "[hidden]"}
    assert acme.patch(path, json={"name": "n", "requestConfig": shown}).status_code == 200
    kept = open_headers(api.plane.webhooks.get(OWNER, made["id"]), api.plane.keyring)
    assert kept == {"Authorization": "Bearer x"}
    renamed = acme.patch(path, json={"requestConfig": {"headers": {"X-Other": "[hidden]"}}})
    created = acme.post("/v1/webhooks", json={"url": "https://a.example/", "requestConfig": shown})
    moved = acme.patch(path, json={"url": "https://b.example/", "requestConfig": shown})
    for refused in (renamed, created, moved):
        assert refused.status_code == 422
        [error] = refused.json()["errors"]
        assert (error["field"], error["code"]) == ("requestConfig.headers", "placeholder")
    assert open_headers(api.plane.webhooks.get(OWNER, made["id"]), api.plane.keyring) == kept


def test_a_refused_secret_is_not_repeated(api: MemoryApi) -> None:
    refused = api.client().post("/v1/webhooks", json={"url": "https://example.com/", "secret": "hunter2"})
    assert refused.status_code == 422
    assert "hunter2" not in refused.text


def test_the_url_is_checked_where_it_is_new(api: MemoryApi) -> None:
    acme = api.client()
    path = f"/v1/webhooks/{api.webhook(acme)['id']}"
    acme.patch(path, json={"name": "x"})
    acme.patch(path, json={"url": "https://example.org/"})
    acme.patch("/v1/webhooks/wh_unknown", json={"url": "https://probe.example/"})
    assert api.checked == ["https://example.com/hook", "https://example.org/"]


def test_the_quota_is_a_403(api: MemoryApi) -> None:
    small = MemoryApi(settings=Settings(encryption_keys=KEYS, max_webhooks=1))
    acme = small.client()
    small.webhook(acme)
    refused = acme.post("/v1/webhooks", json={"url": "https://example.com/"})
    assert (refused.status_code, "at most 1" in refused.json()["detail"]) == (403, True)


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


def test_event_types_come_with_samples_and_schemas() -> None:
    api = MemoryApi(brands=["conclude"])
    conclude = api.client(Scope.READ, brand="conclude")
    listed = conclude.get("/v1/event-types").json()
    types = {each["type"]: each for each in listed["data"]}
    assert {"feedback.created", "webhook.test"} <= types.keys()
    assert {"object", "type", "description", "sample", "schema"} == types["feedback.created"].keys()


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


def test_a_filter_that_would_take_too_much_memory_is_refused_by_its_name(shared: MemoryApi) -> None:
    asked = {"url": "https://example.com/hook", "filter": {"customer": list(range(501))}}
    refused = shared.client().post("/v1/webhooks", json=asked)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["field"], error["code"]) == ("filter", "not_a_filter")
    assert "more than the 500 allowed" in error["message"]


def test_tls_of_its_own_is_sealed_told_of_and_never_shown(api: MemoryApi, tmp_path: Path) -> None:
    acme, authority = api.client(), authority_in(tmp_path / "authority")
    own = replace(identity(authority), authorities=trusting(authority).authorities)
    sent = {"certificate": own.certificate, "key": own.key, "authorities": own.authorities}
    made = acme.post("/v1/webhooks", json={"url": "https://a.example/", "tls": sent})
    assert made.status_code == 201
    path, told = f"/v1/webhooks/{made.json()['id']}", made.json()["tls"]
    assert told.keys() == {"certificateSha256", "certificateExpiresAt", "authoritiesExpireAt"}
    assert all(told.values())
    for shown in (made.text, acme.get(path).text, acme.get("/v1/webhooks").text):
        assert not any(each.splitlines()[1] in shown for each in sent.values())
    renamed = acme.patch(path, json={"name": "n", "requestConfig": {"timeoutMs": 2_000}})
    assert renamed.json()["tls"] == told, "what is not sent stays"
    alone = acme.patch(path, json={"tls": {"authorities": own.authorities}}).json()["tls"]
    assert (alone["certificateSha256"], alone["authoritiesExpireAt"]) == (None, told["authoritiesExpireAt"])
    assert acme.patch(path, json={"tls": None}).json()["tls"] is None


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"certificate": "-----BEGIN"}, "tls.key", "missing"),
        ({"authorities": "secret-text"}, "tls.authorities", "malformed"),
        ({"certificate": 1}, "tls.certificate", "wrong_type"),
        ({"passphrase": "secret-text"}, "tls.passphrase", "unknown"),
    ],
)
def test_tls_that_cannot_be_is_refused_by_its_member(
    shared: MemoryApi, wrong: dict[str, object], field: str, code: str
) -> None:
    refused = shared.client().post("/v1/webhooks", json={"url": "https://a.example/", "tls": wrong})
    assert refused.status_code in {400, 422}
    assert (field, code) in {(each["field"], each["code"]) for each in refused.json()["errors"]}
    assert "secret-text" not in refused.text
