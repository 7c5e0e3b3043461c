"""Who may do what: every scope and tenant and kind of key on every route, generated from the routes of every brand."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from fastapi import FastAPI, Response
from fastapi.routing import APIRoute

from consumer.api.call import GuardedRoute, scope_of
from consumer.brands.loader import load_brands
from consumer.control.keys import Scope
from tests.dead_letters import dead_letter
from tests.memory_api import NOW_MS, OPERATOR, MemoryApi

BODIES: dict[str, dict[str, object]] = {
    "createWebhook": {"url": "https://example.com/hook"},
    "updateWebhook": {"name": "renamed"},
    "createKey": {"name": "another", "scopes": ["admin"]},
}
GRANTED = {200, 201}


@dataclass(frozen=True, slots=True)
class Target:
    """A route with an object of acme's to be done to."""

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
    for route in app_of(api).routes:
        assert isinstance(route, APIRoute)
        made = api.webhook(api.client(Scope.WRITE, brand=brand), base)["id"]
        letter = replace(dead_letter(len(api.dead_letters.records), made), brand=brand)
        api.dead_letters.add(letter)
        method = next(iter(route.methods or ()))
        path = route.path
        if path.startswith(base):
            path = path.replace("{id}", made)
        elif "dead-letters" in path:
            path = path.replace("{id}", letter.delivery.id)
        elif "keys" in path:
            path = path.replace("{id}", api.key(brand=brand)[0].id)
        assert "{" not in path, "say which object the route is about"
        yield Target(method, path, scope_of(route), BODIES.get(route.operation_id or ""), path != route.path)


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
    both = MemoryApi(api.topics, brands=[brand, foreign])
    both.dead_letters = api.dead_letters
    text = both.key(*Scope, brand=foreign)[1]
    for target in targets(api):
        if target.of_an_object:
            assert asked(both, target, text) == 404, target


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
            answers.add((refused.status_code, refused.headers["www-authenticate"], refused.text))
        bare = api.anybody.request(target.method, target.path, json=target.body)
        answers.add((bare.status_code, bare.headers["www-authenticate"], bare.text))
        assert len(answers) == 1, target
        assert answers.pop()[0] == 401
        acting = {"Hookline-Tenant": "acme", "Hookline-Brand": brand}
        assert asked(api, target, OPERATOR, **acting) in GRANTED, target


def test_a_route_without_a_scope_cannot_be_made() -> None:
    app = FastAPI()
    app.router.route_class = GuardedRoute
    with pytest.raises(LookupError, match="/open"):

        @app.get("/open")
        async def unguarded() -> Response:
            return Response()
