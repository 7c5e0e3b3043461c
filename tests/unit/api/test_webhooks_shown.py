"""Webhooks as the API shows them: how they do, what waits for them, and page by page."""

from dataclasses import replace
from pathlib import Path

from consumer.control.keys import Scope
from consumer.log.health import Health, LastStatus
from consumer.standings.store import Backlog
from tests.memory_api import MemoryApi
from tests.own_tls import authority_in, identity, trusting


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


def test_event_types_come_with_samples_and_schemas() -> None:
    api = MemoryApi(brands=["conclude"])
    conclude = api.client(Scope.READ, brand="conclude")
    listed = conclude.get("/v1/event-types").json()
    types = {each["type"]: each for each in listed["data"]}
    assert {"feedback.created", "webhook.test"} <= types.keys()
    assert {"object", "type", "description", "sample", "schema"} == types["feedback.created"].keys()


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
