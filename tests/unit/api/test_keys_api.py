"""API keys over the API: who may make which, what they open, and that they end at once."""

import pytest
from httpx2 import Response

from consumer.control.api_keys import ApiKeys
from consumer.control.keys import Scope
from tests.memory_api import OPERATOR, MemoryApi, Topics

OPERATORS = {"Hookline-Tenant": "acme"}


def refused(answer: Response) -> tuple[int, list[str]]:
    """The status, and the fields that are refused."""
    return answer.status_code, [each["field"] for each in answer.json().get("errors", [])]


def test_a_key_from_its_creation_to_its_end(api: MemoryApi) -> None:
    admin = api.client(Scope.ADMIN, Scope.READ)
    created = admin.post("/v1/keys", json={"name": "CI", "scopes": ["read"], "expiresAt": "2999-12-31T23:59:59Z"})
    assert refused(created) == (422, ["expiresAt"])
    created = admin.post("/v1/keys", json={"name": "CI", "scopes": ["read"], "expiresAt": "2099-12-31T23:59:59+02:00"})
    assert created.status_code == 201
    body = created.json()
    text = body.pop("key")
    assert text.startswith(f"hk_{body['id']}_")
    assert body | {"id": "", "createdAt": ""} == {
        "id": "",
        "object": "key",
        "name": "CI",
        "tenant": "acme",
        "brand": "hookline",
        "scopes": ["read"],
        "status": "active",
        "createdAt": "",
        "createdBy": admin.get("/v1/keys").json()["data"][0]["id"],
        "expiresAt": "2099-12-31T21:59:59.000Z",
        "revokedAt": None,
        "lastUsedAt": None,
    }

    made = api.bearing(text)
    assert made.get("/v1/webhooks").status_code == 200
    assert made.get("/v1/keys").status_code == 403
    listed = admin.get("/v1/keys").json()["data"]
    assert [each["id"] for each in listed][1:] == [body["id"]]
    assert listed[1]["lastUsedAt"] is not None
    assert text not in admin.get("/v1/keys").text

    revoked = admin.delete(f"/v1/keys/{body['id']}")
    assert (revoked.status_code, revoked.json()["status"]) == (200, "revoked")
    assert made.get("/v1/webhooks").status_code == 401
    assert admin.delete(f"/v1/keys/{body['id']}").json() == revoked.json()
    assert [each["status"] for each in admin.get("/v1/keys").json()["data"]] == ["active", "revoked"]


def test_a_key_that_was_revoked_in_one_process_opens_nothing_in_another() -> None:
    topics = Topics()
    one, two = MemoryApi(topics), MemoryApi(topics)
    admin = one.client(Scope.ADMIN, Scope.READ)
    made = admin.post("/v1/keys", json={"scopes": ["read"]}).json()
    elsewhere = two.bearing(made["key"])
    assert elsewhere.get("/v1/webhooks").status_code == 200
    admin.delete(f"/v1/keys/{made['id']}")
    assert elsewhere.get("/v1/webhooks").status_code == 401


@pytest.mark.parametrize("missing", [scope for scope in Scope if scope is not Scope.ADMIN])
def test_nobody_gives_what_he_does_not_hold(api: MemoryApi, missing: Scope) -> None:
    admin = api.client(*(frozenset(Scope) - {missing}))
    answer = admin.post("/v1/keys", json={"scopes": [missing]})
    assert answer.status_code == 403
    assert missing in answer.json()["detail"]
    usual = admin.post("/v1/keys", json={}).json()["scopes"]
    assert usual == sorted({"bodies", "read", "replay", "write"} - {missing})
    assert len(admin.get("/v1/keys").json()["data"]) == 2
    assert admin.post("/v1/keys", json={"scopes": ["admin"]}).status_code == 201


def test_an_administrator_reaches_its_own_tenant_and_brand_only() -> None:
    api = MemoryApi(brands=("hookline", "convo"))
    acme = api.client(Scope.ADMIN)
    for stranger, path in (
        (api.client(Scope.ADMIN, tenant="other"), "/v1/keys"),
        (api.client(Scope.ADMIN, brand="convo"), "/api/v1/keys"),
    ):
        [theirs] = stranger.get(path).json()["data"]
        assert acme.delete(f"/v1/keys/{theirs['id']}").status_code == 404
        assert theirs["id"] not in acme.get("/v1/keys").text
        assert stranger.get(path).status_code == 200


def test_a_brands_keys_have_its_prefix_path_and_envelope() -> None:
    api = MemoryApi(brands=("convo",))
    admin = api.client(Scope.ADMIN, brand="convo")
    made = admin.post("/api/v1/keys", json={"scopes": ["admin"]}).json()["data"]
    assert made["key"].startswith("convo_")
    assert made["brand"] == "convo"
    assert api.bearing(made["key"]).get("/api/v1/keys").json()["data"][1]["id"] == made["id"]


def test_the_operator_makes_keys_for_anybody(api: MemoryApi) -> None:
    operator = api.bearing(OPERATOR, **OPERATORS)
    made = operator.post("/v1/keys", json={"scopes": [*Scope]}).json()
    assert (made["tenant"], made["scopes"]) == ("acme", sorted(Scope))
    assert api.bearing(made["key"]).get("/v1/keys").json()["data"][0]["id"] == made["id"]
    assert operator.delete(f"/v1/keys/{made['id']}").status_code == 200


def test_without_scopes_a_key_may_do_all_but_manage_keys(api: MemoryApi) -> None:
    made = api.client(*Scope).post("/v1/keys", json={}).json()
    assert made["scopes"] == ["bodies", "read", "replay", "write"]
    assert made["expiresAt"] is None


def test_one_that_may_only_manage_keys_makes_its_like_where_nothing_is_said(api: MemoryApi) -> None:
    made = api.client(Scope.ADMIN).post("/v1/keys", json={})
    assert (made.status_code, made.json()["scopes"]) == (201, ["admin"])


def test_a_key_does_not_outlive_its_maker(api: MemoryApi) -> None:
    end_ms = 3_000_000_000_000
    admin = api.bearing(api.key(Scope.ADMIN, expires_at_ms=end_ms)[1])
    bodies: tuple[dict[str, object], ...] = ({}, {"expiresAt": None}, {"expiresAt": "2065-01-24T05:20:00Z"})
    made = [admin.post("/v1/keys", json=body).json() for body in bodies]
    assert [each["expiresAt"] for each in made] == ["2065-01-24T05:20:00.000Z"] * 3
    child = api.bearing(made[0]["key"])
    later = child.post("/v1/keys", json={"expiresAt": "2065-01-24T05:20:00.001Z"})
    assert refused(later) == (422, ["expiresAt"])
    assert "2065-01-24T05:20:00.000Z at the latest" in later.json()["detail"]


def test_a_key_is_revoked_with_all_that_came_of_it_where_that_is_asked_for(api: MemoryApi) -> None:
    operator = api.bearing(OPERATOR, **OPERATORS)
    maker = operator.post("/v1/keys", json={"scopes": ["admin"]}).json()
    child = api.bearing(maker["key"]).post("/v1/keys", json={}).json()
    grandchild = api.bearing(child["key"]).post("/v1/keys", json={}).json()
    assert (maker["createdBy"], grandchild["createdBy"]) == (None, child["id"])
    operator.delete(f"/v1/keys/{maker['id']}")
    assert api.bearing(grandchild["key"]).get("/v1/keys").status_code == 200
    assert operator.delete(f"/v1/keys/{maker['id']}?descendants=true").status_code == 200
    for each in (child, grandchild):
        assert api.bearing(each["key"]).get("/v1/keys").status_code == 401


def test_pages_show_every_key_once(api: MemoryApi) -> None:
    admin = api.client(Scope.ADMIN)
    made = [admin.get("/v1/keys").json()["data"][0]["id"]]
    made += [admin.post("/v1/keys", json={"scopes": ["admin"]}).json()["id"] for _ in range(4)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = admin.get(f"/v1/keys?limit=2{cursor}").json()
        seen += [each["id"] for each in page["data"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert sorted(seen) == sorted(made)
    assert refused(api.client(Scope.ADMIN, tenant="other").get(f"/v1/keys?limit=2{cursor}")) == (422, ["cursor"])


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"scopes": []}, ["scopes"]),
        ({"scopes": ["everything"]}, ["scopes.0"]),
        ({"expiresAt": "2000-01-01T00:00:00Z"}, ["expiresAt"]),
        ({"expiresAt": "2099-01-01T00:00:00"}, ["expiresAt"]),
        ({"expiresAt": "9999-12-31T23:59:59-23:59"}, ["expiresAt"]),
        ({"expiresAt": "soon"}, ["expiresAt"]),
        ({"name": "two\nlines"}, ["name"]),
        ({"tenant": "other"}, ["tenant"]),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(api: MemoryApi, body: dict[str, object], fields: list[str]) -> None:
    assert refused(api.client(*Scope).post("/v1/keys", json=body)) == (422, fields)


def test_the_same_request_asked_again_makes_one_key_and_shows_it_again(api: MemoryApi) -> None:
    admin = api.client(Scope.ADMIN)
    asked = {"json": {"scopes": ["admin"]}, "headers": {"Idempotency-Key": "once"}}
    first, second = (admin.post("/v1/keys", **asked) for _ in range(2))  # type: ignore[arg-type] # its parts differ in type
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(admin.get("/v1/keys").json()["data"]) == 2


def test_a_tenant_has_so_many_keys_and_no_more(api: MemoryApi) -> None:
    plane, topic = api.plane, api.topics.state
    plane.api_keys = ApiKeys("state", directory=plane.keys, writer=topic, fresh=plane.fresh, most=2)
    admin = api.client(Scope.ADMIN)
    made = admin.post("/v1/keys", json={"scopes": ["admin"]}).json()
    full = admin.post("/v1/keys", json={"scopes": ["admin"]})
    assert (full.status_code, "revoke one first" in full.json()["detail"]) == (403, True)
    admin.delete(f"/v1/keys/{made['id']}")
    assert admin.post("/v1/keys", json={"scopes": ["admin"]}).status_code == 201
