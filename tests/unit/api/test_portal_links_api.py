"""POST portal-links: what a link may give, and what it is made of."""

import pytest

from consumer.control.keys import Scope
from consumer.control.portal_links import Link, PortalLinks
from consumer.settings import Settings
from tests.memory_api import HOST, KEYS, OPERATOR, PORTAL, MemoryApi

PATH = "/v1/portal-links"


def read(api: MemoryApi, url: str) -> Link:
    base, _, text = url.partition("#")
    assert base == f"{PORTAL}/portal/enter"
    link = PortalLinks(api.plane.keyring).read(text, 0)
    assert link is not None
    return link


def test_a_link_says_what_was_asked(api: MemoryApi) -> None:
    key, text = api.key(*Scope)
    asked = {
        "scopes": ["read", "write"], "expiresIn": 60, "openWithin": 30, "product": "shop", "embedOrigins": [HOST],
        "page": "/log", "theme": "dark", "language": "en", "returnUrl": "https://app.example.com/x?y=1", "user": "Ada",
    }  # fmt: skip
    answer = api.bearing(text).post(PATH, json=asked)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    link = read(api, told["url"])
    assert (told["id"], told["object"]) == (link.id, "portal_link")
    grant = link.grant
    assert (grant.tenant, grant.brand, grant.key_id) == ("acme", "hookline", key.id)
    assert grant.scopes == {Scope.READ, Scope.WRITE}
    assert (grant.product, grant.embed_origins, grant.theme, grant.user) == ("shop", (HOST,), "dark", "Ada")
    assert (grant.return_url, link.page) == ("https://app.example.com/x?y=1", "/log")
    assert link.expires_at_ms - link.open_until_ms == 30_000
    assert api.topics.state.records[1:] == [], "nothing is stored but the key"


def test_what_is_not_asked_is_usual(api: MemoryApi) -> None:
    link = read(api, api.client(Scope.ADMIN, Scope.READ).post(PATH).json()["url"])
    assert (link.grant.scopes, link.page, link.grant.embed_origins) == (frozenset({Scope.READ}), "/webhooks", ())
    acting = api.bearing(OPERATOR, **{"Hookline-Tenant": "acme"}).post(PATH, json={})
    link = read(api, acting.json()["url"])
    assert link.grant.key_id is None
    assert link.grant.scopes == set(Scope) - {Scope.ADMIN}


def test_nobody_gives_a_scope_that_he_does_not_hold(api: MemoryApi) -> None:
    answer = api.client(Scope.ADMIN, Scope.READ).post(PATH, json={"scopes": ["read", "write", "bodies"]})
    assert answer.status_code == 403
    assert "leave out bodies, write" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scopes", []),
        ("expiresIn", 59),
        ("expiresIn", 604_801),
        ("openWithin", 9),
        ("product", ""),
        ("embedOrigins", ["https://evil.example"]),
        ("embedOrigins", [HOST + "/"]),
        ("embedOrigins", ["*"]),
        ("embedOrigins", [HOST] * 11),
        ("page", "//evil.example"),
        ("page", "/../../x"),
        ("page", "/log?x=1"),
        ("page", "https://evil.example"),
        ("theme", "pink"),
        ("language", "tlh"),
        ("returnUrl", "http://app.example.com"),
        ("returnUrl", "javascript:alert(1)"),
        ("returnUrl", "https://user@app.example.com"),
        ("returnUrl", "https://app.example.com{path}"),
        ("returnUrl", "https:///x"),
        ("returnUrl", "https://ex\u00e4mple.com"),
        ("returnUrl", "https://[x"),
        ("returnUrl", "https://" + "a" * 1_100),
        ("user", "a\u202eb"),
    ],
)
def test_what_cannot_be_is_told(api: MemoryApi, field: str, value: object) -> None:
    answer = api.client(*Scope).post(PATH, json={field: value})
    assert answer.status_code == 422, answer.text
    assert {each["field"].split(".")[0] for each in answer.json()["errors"]} == {field}


def test_a_link_that_no_cookie_could_hold_is_refused() -> None:
    origins = tuple(f"https://{'o' * 200}{number}.example.com" for number in range(10))
    settings = Settings(encryption_keys=KEYS, portal_url=PORTAL, portal_embed_origins=origins)
    api = MemoryApi(settings=settings)
    answer = api.client(*Scope).post(PATH, json={"embedOrigins": [*origins], "user": "u" * 256})
    assert answer.status_code == 422


def test_without_an_address_there_is_nothing_to_link_to() -> None:
    api = MemoryApi(settings=Settings(encryption_keys=KEYS))
    assert api.client(*Scope).post(PATH, json={}).status_code == 404
