"""Webhooks that cannot be, over the API: each field is named as it was written, and nothing secret is repeated."""

import pytest

from consumer.settings import Settings
from consumer.webhooks.headers import open_headers
from consumer.webhooks.wrong import Code, invalid
from tests.memory_api import KEYS, OWNER, MemoryApi


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


def test_a_filter_that_would_take_too_much_memory_is_refused_by_its_name(shared: MemoryApi) -> None:
    asked = {"url": "https://example.com/hook", "filter": {"customer": list(range(501))}}
    refused = shared.client().post("/v1/webhooks", json=asked)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["field"], error["code"]) == ("filter", "not_a_filter")
    assert "more than the 500 allowed" in error["message"]


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
