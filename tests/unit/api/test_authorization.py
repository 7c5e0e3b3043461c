"""Who may do what: every scope and tenant and kind of key on every route, generated from the routes of every brand."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from msgspec import structs

from consumer.api.call import GuardedRoute, needs, scope_of
from consumer.api.once import DONE_ONCE
from consumer.brands.loader import load_brands
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.control.portal_link_ids import PortalLinkIds
from consumer.jobs.job import State
from tests.dead_letters import dead_letter
from tests.memory_api import NOW_MS, OPERATOR, MemoryApi

BODIES: dict[str, dict[str, object]] = {
    "createWebhook": {"url": "https://example.com/hook"},
    "updateWebhook": {"name": "renamed"},
    "putWebhook": {"url": "https://example.com/put"},
    "createKey": {"name": "another", "scopes": ["admin"]},
    "unblockWebhook": {"head": "retry"},
    "createPortalLink": {"scopes": ["admin"]},
    "tryFilter": {"filter": {"a": [1]}, "data": {}},
    "replayWebhook": {"filter": {}},
    "recoverWebhook": {"since": "2h"},
}
GRANTED = {200, 201, 202}
STATES = {"startJob": State.COUNTED, "resumeJob": State.PAUSED, "getJob": State.DONE}
TELLING = {"createWebhook", "rotateWebhookSecret", "createKey", "createPortalLink"}
"""The operations whose answers hold what nobody else has: a secret, a key, or a link."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A route with an object of acme's to be done to."""

    operation: str
    method: str
    path: str
    scope: Scope
    body: dict[str, object] | None
    of_an_object: bool


@pytest.fixture(scope="module", params=sorted(load_brands()))
def api(request: pytest.FixtureRequest) -> MemoryApi:
    return MemoryApi(brands=[request.param])


def brand_of(api: MemoryApi) -> str:
    return next(iter(api.brands))


def app_of(api: MemoryApi) -> FastAPI:
    return api.apps[brand_of(api)]


def targets(api: MemoryApi) -> Iterator[Target]:
    """Each with objects of its own: some of them end theirs."""
    brand = brand_of(api)
    base = api.brands[brand].api.base_path
    api.jobs.forget(*api.jobs.known)  # a tenant has a few that have not ended
    for route in app_of(api).routes:
        assert isinstance(route, APIRoute)
        uid = f"u{len(api.dead_letters.records)}"
        made = api.webhook(api.client(Scope.WRITE, brand=brand), base, uid=uid)["id"]
        letter = structs.replace(dead_letter(len(api.dead_letters.records), made), brand=brand)
        api.dead_letters.add(letter)
        method = next(iter(route.methods or ()))
        path = route.path
        if path.startswith(base):
            path = path.replace("{id}", made).replace("{uid}", uid)
        elif "attempts" in path:
            path = path.replace("{id}", api.log.add(brand=brand))
        elif "/jobs/" in path:
            state = STATES.get(route.operation_id or "", State.RUNNING)
            path = path.replace("{id}", api.jobs.put(Owner(tenant="acme", brand=brand), made, state=state))
        elif "dead-letters" in path or "deliveries" in path:
            path = path.replace("{id}", letter.delivery.id)
        elif "portal-links" in path:
            path = path.replace("{id}", link_of(api, Owner(tenant="acme", brand=brand)))
        elif "keys" in path:
            path = path.replace("{id}", api.key(brand=brand)[0].id)
        assert "{" not in path, "say which object the route is about"
        operation = route.operation_id or ""
        of_an_object = path != route.path and operation != "putWebhook"  # who has none of the uid makes one
        yield Target(operation, method, path, scope_of(route), BODIES.get(operation), of_an_object)


def link_of(api: MemoryApi, owner: Owner) -> str:
    return PortalLinkIds(api.plane.keyring).new(owner, now_ms=NOW_MS, entropy=bytes)


def asked(api: MemoryApi, target: Target, text: str, **headers: str) -> int:
    return api.bearing(text, **headers).request(target.method, target.path, json=target.body).status_code


def test_a_key_does_what_its_scopes_say_and_nothing_else(api: MemoryApi) -> None:
    brand = brand_of(api)
    keys = {scope: api.key(scope, brand=brand)[1] for scope in Scope}
    for target in targets(api):
        for scope, text in keys.items():
            if scope is not target.scope:
                assert asked(api, target, text) == 403, (target, scope)
        assert asked(api, target, keys[target.scope]) in GRANTED, target


def test_another_tenants_objects_do_not_exist(api: MemoryApi) -> None:
    brand = brand_of(api)
    other = api.key(*Scope, tenant="other", brand=brand)[1]
    for target in targets(api):
        if target.of_an_object:
            assert asked(api, target, other) == 404, target


def test_another_brands_key_finds_nothing_of_this_one(api: MemoryApi) -> None:
    brand = brand_of(api)
    foreign = "hookline" if brand != "hookline" else "featurebase"
    both = MemoryApi(brands=[brand, foreign])
    text = both.key(*Scope, brand=foreign)[1]
    for target in targets(both):
        if target.of_an_object:
            assert asked(both, target, text) == 404, target


def without_id(refused: Any) -> str:  # noqa: ANN401 # a client's response
    """A problem, but for the one thing that is each answer's own."""
    assert refused.json()["requestId"] == refused.headers["request-id"]
    text: str = refused.text
    return text.replace(refused.headers["request-id"], "")


def test_every_bad_key_gets_the_same_401_and_the_operators_opens_all(api: MemoryApi) -> None:
    brand = brand_of(api)
    good = api.key(*Scope, brand=brand)[1]
    ended, ended_text = api.key(*Scope, brand=brand)
    api.write_key(replace(ended, revoked_at_ms=NOW_MS))
    bad = {
        "revoked": ended_text,
        "expired": api.key(*Scope, brand=brand, expires_at_ms=1)[1],
        "unknown": MemoryApi(brands=[]).key(*Scope, brand=brand)[1],
        "typo": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "prefix": "other" + good,
        "nearly the operator's": OPERATOR + "x",
        "empty": "",
        "latin": "ÿ",
    }
    for target in targets(api):
        answers = set()
        for text in bad.values():
            refused = api.anybody.request(
                target.method,
                target.path,
                json=target.body,
                headers={b"Authorization": f"Bearer {text}".encode("latin-1")},
            )
            answers.add((refused.status_code, refused.headers["www-authenticate"], without_id(refused)))
        bare = api.anybody.request(target.method, target.path, json=target.body)
        answers.add((bare.status_code, bare.headers["www-authenticate"], without_id(bare)))
        assert len(answers) == 1, target
        assert answers.pop()[0] == 401
        acting = {"Hookline-Tenant": "acme", "Hookline-Brand": brand}
        assert asked(api, target, OPERATOR, **acting) in GRANTED, target


def test_each_route_is_done_once_for_a_key_or_refuses_the_header(api: MemoryApi) -> None:
    """The table is `once.DONE_ONCE`: no route passes the header over."""
    brand = brand_of(api)
    acme = api.bearing(api.key(*Scope, brand=brand)[1])
    for number, target in enumerate(targets(api)):
        headers = {"Idempotency-Key": f"key-{number}"}
        first = acme.request(target.method, target.path, json=target.body, headers=headers)
        if not DONE_ONCE[target.method]:
            assert (first.status_code, "leave it out" in first.json()["detail"]) == (400, True), target
            continue
        assert first.status_code in GRANTED, target
        written = len(api.topics.subscriptions.records)
        replayed, tried = len(api.dead_letters.replayed), len(api.plane.tried)
        again = acme.request(target.method, target.path, json=target.body, headers=headers)
        assert (again.status_code, again.text) == (first.status_code, first.text), target
        assert again.headers["idempotency-replayed"] == "true", target
        assert again.headers.get("etag") == first.headers.get("etag"), target
        assert len(api.topics.subscriptions.records) == written, target
        assert (len(api.dead_letters.replayed), len(api.plane.tried)) == (replayed, tried), target


def test_the_openapi_says_which_routes_are_done_once(api: MemoryApi) -> None:
    for path, operations in app_of(api).openapi()["paths"].items():
        for method, operation in operations.items():
            named = {each["name"] for each in operation.get("parameters", [])}
            assert ("Idempotency-Key" in named) is DONE_ONCE[method.upper()], (method, path)
            assert "409" in operation["responses"] or not DONE_ONCE[method.upper()], (method, path)


@pytest.mark.parametrize(("brand", "foreign"), [("hookline", "featurebase"), ("convo", "hookline")])
def test_no_answer_is_replayed_to_who_could_not_have_asked(brand: str, foreign: str) -> None:
    """Everybody else's request with the same Idempotency-Key is answered as without it: by what that caller may do."""
    both = MemoryApi(brands=[brand, foreign])
    asking, asking_text = both.key(*Scope, brand=brand)
    acting = {"Hookline-Tenant": "acme", "Hookline-Brand": brand}
    others: dict[str, tuple[str, dict[str, str]]] = {
        **{f"only {scope}": (both.key(scope, brand=brand)[1], {}) for scope in Scope},
        "the same scopes": (both.key(*Scope, brand=brand)[1], {}),
        "another tenant": (both.key(*Scope, tenant="other", brand=brand)[1], {}),
        "another brand": (both.key(*Scope, brand=foreign)[1], {}),
        "expired": (both.key(*Scope, brand=brand, expires_at_ms=1)[1], {}),
        "nobody": ("", {}),
        "malformed": (asking_text[:-1] + ("0" if asking_text[-1] != "0" else "1"), {}),
        "the operator": (OPERATOR, acting),
        "the operator for another": (OPERATOR, acting | {"Hookline-Tenant": "other"}),
    }
    made = [target for target in targets(both) if DONE_ONCE[target.method]]
    for number, target in enumerate(made):
        key = {"Idempotency-Key": f"key-{number}"}
        asked_first = both.bearing(asking_text).request(target.method, target.path, json=target.body, headers=key)
        assert asked_first.status_code in GRANTED, target
        for who, (text, headers) in others.items():
            again = both.bearing(text, **headers).request(target.method, target.path, json=target.body, headers=key)
            assert "idempotency-replayed" not in again.headers, (target, who)
            if target.operation in TELLING:
                assert again.text != asked_first.text, (target, who)
    for ended in (replace(asking, revoked_at_ms=NOW_MS), replace(asking, expires_at_ms=1)):
        both.write_key(ended)
        for number, target in enumerate(made):
            key = {"Idempotency-Key": f"key-{number}"}
            refused = both.bearing(asking_text).request(target.method, target.path, json=target.body, headers=key)
            assert refused.status_code == 401, target


def test_a_key_that_ends_while_its_body_is_on_its_way_opens_nothing(api: MemoryApi) -> None:
    brand = brand_of(api)
    key, text = api.key(*Scope, brand=brand)

    def body() -> Iterator[bytes]:
        yield b'{"url": '
        api.write_key(replace(key, revoked_at_ms=NOW_MS))
        api.plane.fresh()
        yield b'"https://example.com/hook"}'

    headers = {"Content-Type": "application/json"}
    answer = api.bearing(text).post(api.brands[brand].api.base_path, content=body(), headers=headers)
    assert answer.status_code == 401


def test_a_route_of_a_method_of_which_nobody_said_whether_it_changes_something_cannot_be_made() -> None:
    app = FastAPI()
    app.router.route_class = GuardedRoute
    with pytest.raises(LookupError, match="OPTIONS"):

        @app.options("/thing", openapi_extra=needs(Scope.WRITE))
        async def put() -> Response:
            return Response()


def test_a_route_without_a_scope_cannot_be_made() -> None:
    app = FastAPI()
    app.router.route_class = GuardedRoute
    with pytest.raises(LookupError, match="/open"):

        @app.get("/open")
        async def unguarded() -> Response:
            return Response()
