"""The audit log by the API: each change is told before it is answered, without a value, for the scope admin to see."""

import pytest
from fastapi.routing import APIRoute
from httpx2 import Response

from consumer.api.audited import CHANGES_NOTHING
from consumer.api.once import DONE_ONCE
from consumer.control.audit import AuditLog, Deed, decode
from consumer.control.keys import Scope
from tests.memory_api import OPERATOR, MemoryApi
from tests.memory_topic import AwayTopic

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def deeds(api: MemoryApi) -> list[Deed]:
    return [decode(record.value or b"") for record in api.topics.audit.records]


def test_each_change_is_told_with_names_and_without_a_value() -> None:
    api = MemoryApi()
    key, text = api.key(*Scope)
    client = api.bearing(text)
    answer = client.post(
        "/v1/webhooks",
        json={
            "url": "https://example.com/private-path", "secret": SECRET, "name": "Orders",
            "requestConfig": {"headers": {"X-Token": "canary"}}, "metadata": {"canary": "canary"},
        },
    )  # fmt: skip
    id_ = answer.json()["id"]
    client.patch(f"/v1/webhooks/{id_}", json={"name": "New"})
    client.post(f"/v1/webhooks/{id_}/secret", json={"secret": SECRET})
    client.post(f"/v1/webhooks/{id_}/pause")
    client.delete(f"/v1/webhooks/{id_}")
    made = client.post("/v1/keys", json={"name": "canary", "scopes": ["read"]}).json()["id"]
    client.delete(f"/v1/keys/{made}")
    found = deeds(api)
    assert [(each.action, each.target, each.made, each.fields) for each in found] == [
        ("createWebhook", "", id_, ("metadata", "name", "requestConfig", "secret", "url")),
        ("updateWebhook", id_, "", ("name",)),
        ("rotateWebhookSecret", id_, "", ("secret",)),
        ("pauseWebhook", id_, "", ()),
        ("deleteWebhook", id_, "", ()),
        ("createKey", "", made, ("name", "scopes")),
        ("revokeKey", made, "", ()),
    ]
    assert {(each.tenant, each.brand, each.by) for each in found} == {("acme", "hookline", f"key:{key.id}")}
    assert found[0].request_id == answer.headers["request-id"]
    for record in api.topics.audit.records:
        for value in (b"canary", b"private-path", SECRET.encode(), text.encode()):
            assert value not in (record.value or b"")


def test_what_was_not_done_is_not_told() -> None:
    api = MemoryApi()
    api.client(Scope.READ).post("/v1/webhooks", json={"url": "https://example.com/"})
    client = api.client(*Scope)
    client.post("/v1/webhooks", json={"url": "nonsense"})
    client.get("/v1/webhooks")
    client.post("/v1/filters/try", json={"filter": {"a": [1]}, "data": {}})
    client.delete("/v1/webhooks/wh_0")
    assert deeds(api) == []


def test_every_route_is_told_by_its_method_and_those_that_are_not_are_routes() -> None:
    operations = {
        route.operation_id: next(iter(route.methods or ()))
        for app in MemoryApi().apps.values()
        for route in app.routes
        if isinstance(route, APIRoute)
    }
    assert {name for name, method in operations.items() if DONE_ONCE[method]} >= CHANGES_NOTHING


def test_what_the_log_refuses_is_answered_as_not_known_and_told_when_it_is_asked_again() -> None:
    api = MemoryApi()
    audit = api.services.audit
    assert isinstance(audit, AuditLog)
    audit._writer = AwayTopic()
    client = api.client(*Scope)

    def ask() -> Response:
        headers = {"Idempotency-Key": "one"}
        return client.post("/v1/webhooks", json={"url": "https://example.com/"}, headers=headers)

    assert ask().status_code == 503
    audit._writer = api.topics.audit
    api.plane.now_ms += 120_000  # a request that was answered so is known as under way for a minute
    answer = ask()
    assert answer.status_code == 201
    [listed] = client.get("/v1/webhooks").json()["data"]
    assert [(each.action, each.made) for each in deeds(api)] == [("createWebhook", listed["id"])]
    again = ask()
    assert (again.json(), len(deeds(api))) == (answer.json(), 1)


def test_an_administrator_lists_his_own_tenants_and_goes_on_from_page_to_page() -> None:
    api = MemoryApi()
    admin, writer, other = api.client(Scope.ADMIN), api.client(Scope.WRITE), api.client(*Scope, tenant="other")
    ids = [writer.post("/v1/webhooks", json={"url": f"https://example.com/{n}"}).json()["id"] for n in range(3)]
    other.post("/v1/webhooks", json={"url": "https://example.com/"})
    operator = api.bearing(OPERATOR, **{"Hookline-Tenant": "acme"})
    operator.delete(f"/v1/webhooks/{ids[0]}")
    first = admin.get("/v1/audit?limit=2").json()
    assert (first["data"][0]["action"], first["data"][0]["by"]) == ("deleteWebhook", "operator")
    rest = admin.get(f"/v1/audit?limit=2&cursor={first['nextCursor']}").json()
    assert [each["made"] or each["target"] for each in first["data"] + rest["data"]] == [ids[0], *reversed(ids)]
    assert rest["nextCursor"] is None
    assert len(other.get("/v1/audit").json()["data"]) == 1
    found = admin.get(f"/v1/audit?action=createWebhook&target={ids[1]}").json()["data"]
    assert [each["made"] for each in found] == [ids[1]]
    assert writer.get("/v1/audit").status_code == 403


@pytest.mark.parametrize("query", ["since=whenever", "limit=0", "colour=red", "cursor=x"])
def test_what_makes_no_sense_is_refused(query: str) -> None:
    assert MemoryApi().client(Scope.ADMIN).get(f"/v1/audit?{query}").status_code == 422
