"""API keys on their page, links that are ended, and addresses that are good for whoever is in."""

import re

import pytest

from consumer.control.keys import ApiKey, Scope
from consumer.portal.visit import SESSIONS
from tests.html import read
from tests.memory_api import MemoryApi
from tests.memory_portal import Browser, MemoryPortal

ADMIN = (Scope.READ, Scope.WRITE, Scope.ADMIN)


def of_a_key(portal: MemoryPortal, *scopes: Scope) -> tuple[ApiKey, Browser]:
    key, _ = portal.api.key(*Scope)
    return key, portal.enter(*(scopes or ADMIN), key_id=key.id)


def make(browser: Browser, **fields: str | list[str]) -> tuple[int, str]:
    page = browser.page("keys")
    answer = browser.submit(page, "keys", {"name": "deploy", "scope": ["read"], **fields})
    return answer.status_code, answer.text


def test_a_key_from_its_making_to_its_end(portal: MemoryPortal) -> None:
    maker, browser = of_a_key(portal)
    page = browser.page("keys")
    assert (page.h1, page.one("navigation", "Main").all("a")[-1].text) == ("API keys", "API keys")
    status, text = make(browser, scope=["read", "write"], days="30")
    made = read(text)
    assert (status, made.h1) == (200, "Keep this key")
    key = made.one("textbox", "Key").attributes["value"]
    assert portal.api.bearing(key).get("/v1/webhooks").status_code == 200
    assert portal.api.bearing(key).get("/v1/keys").status_code == 403
    rows = browser.page("keys").one("table", "API keys").all("tr")[1:]
    assert [("deploy" in each.text, "read, write" in each.text) for each in rows].count((True, True)) == 1
    assert key not in browser.get("keys").text
    assert "The key was shown once" in browser.page("keys/made").visible
    id_ = key.split("_")[1]
    question = browser.page(f"keys/{id_}/revoke")
    assert question.h1 == "Revoke this key?"
    assert "This page was opened with it" not in question.visible
    assert "This page was opened with it" in browser.page(f"keys/{maker.id}/revoke").visible
    answer = browser.submit(question, f"keys/{id_}/revoke")
    assert (answer.status_code, "done=revoked" in answer.headers["location"]) == (303, True)
    assert portal.api.bearing(key).get("/v1/webhooks").status_code == 401


def test_sent_twice_one_key_is_made(portal: MemoryPortal) -> None:
    _, browser = of_a_key(portal)
    page = browser.page("keys")
    before = len(portal.api.plane.keys.listed())
    answers = [browser.submit(page, "keys", {"name": "x", "scope": ["read"]}) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 303]
    assert len(portal.api.plane.keys.listed()) == before + 1


def test_a_session_gives_no_scope_that_it_does_not_have(portal: MemoryPortal) -> None:
    for browser in (of_a_key(portal, Scope.READ, Scope.ADMIN)[1], portal.enter(Scope.READ, Scope.ADMIN)):
        page = browser.page("keys")
        boxes = [each.attributes["value"] for each in page.one("group", "Scopes").all("input")]
        assert boxes == ["read", "admin"]
        made = read(make(browser, scope=["read", "write", "replay", "bodies"])[1])
        key = made.one("textbox", "Key").attributes["value"]
        assert portal.api.bearing(key).post("/v1/webhooks", json={"url": "https://a.example"}).status_code == 403
        status, text = make(browser, scope=["write"])
        assert (status, "must not be empty" in text) == (422, True)


@pytest.mark.parametrize("path", ["keys", "keys/made", "keys/0000000000000000/revoke"])
def test_who_does_not_administer_keys_has_none(portal: MemoryPortal, path: str) -> None:
    usual, narrowed = portal.enter(), portal.enter(*ADMIN, product="mobile")
    assert (usual.get(path).status_code, narrowed.get(path).status_code) == (403, 404)
    for browser in (usual, narrowed):
        assert not browser.page("webhooks").find("link", "API keys")
    token = narrowed.page("webhooks/new").form(f"{narrowed.base}/webhooks/new")
    fields = {"token": str(token["token"]), "once": str(token["once"]), "name": "x", "scope": "read"}
    assert narrowed.post("keys", fields).status_code == 404
    assert narrowed.post(path, fields).status_code in {404, 405}


def test_another_tenant_s_key_is_not_there(portal: MemoryPortal) -> None:
    theirs, _ = portal.api.key(tenant="other")
    _, browser = of_a_key(portal)
    assert browser.get(f"keys/{theirs.id}/revoke").status_code == 404
    page = browser.page("keys")
    form = page.form(f"{browser.base}/keys")
    assert browser.post(f"keys/{theirs.id}/revoke", form).status_code == 404
    assert theirs.id not in browser.get("keys").text


def test_a_key_ends_no_later_than_its_maker(portal: MemoryPortal) -> None:
    maker, _ = portal.api.key(*Scope, expires_at_ms=portal.now_ms() + 3_600_000)
    browser = portal.enter(*ADMIN, key_id=maker.id)
    assert make(browser, days="365")[0] == 200
    made = next(each for each in portal.api.plane.keys.listed() if each.created_by == maker.id)
    assert made.expires_at_ms == maker.expires_at_ms


def test_many_keys_are_in_pages(portal: MemoryPortal) -> None:
    for _ in range(25):
        portal.api.key(Scope.READ)
    _, browser = of_a_key(portal)
    page = browser.page("keys")
    assert len(page.one("table", "API keys").all("tr")) == 21
    following = page.one("link", "Next").attributes["href"].removeprefix(browser.base + "/")
    assert len(browser.page(following).one("table", "API keys").all("tr")) == 7
    assert (
        browser.get("keys", **{"from": "-1"}).status_code
        == browser.get("keys", **{"from": "9" * 40}).status_code
        == 200
    )


# ── ended by the host ────────────────────────────────────────────────────────────────────────────────────────────────


def linked(api: MemoryApi, **fields: object) -> tuple[str, str]:
    """The id of a link, and its text."""
    told = api.client(*Scope).post("/v1/portal-links", json=fields).json()
    return told["id"], told["url"].partition("#")[2]


def test_a_link_is_ended_with_the_next_request(portal: MemoryPortal) -> None:
    admin = portal.api.client(*Scope)
    (id_, text), (_, other) = linked(portal.api), linked(portal.api)
    browsers = [portal.enter(text=each) for each in (text, other)]
    answer = admin.delete(f"/v1/portal-links/{id_}")
    assert (answer.status_code, answer.json()) == (200, {"id": id_, "object": "portal_link", "ended": True})
    assert [each.get("webhooks").status_code for each in browsers] == [401, 200]
    assert read(browsers[0].get("webhooks").text).h1 == "This page has timed out"
    for foreign in (portal.api.client(*Scope, tenant="other"), portal.api.client(*Scope, brand="hookline", tenant="x")):
        assert foreign.delete(f"/v1/portal-links/{id_}").status_code == 404
    assert admin.delete("/v1/portal-links/pl_0").status_code == 404


def test_all_links_are_ended_unopened_ones_too(portal: MemoryPortal) -> None:
    unopened = linked(portal.api)[1]
    browser, theirs = portal.enter(text=linked(portal.api)[1]), portal.enter(tenant="other")
    assert portal.api.client(*Scope).delete("/v1/portal-links").json() == {"object": "portal_links", "ended": True}
    assert (browser.get("webhooks").status_code, theirs.get("webhooks").status_code) == (401, 200)
    answer = portal.client().post("/portal/enter", data={"link": unopened}, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, "was used or is too old" in answer.text) == (403, True)


# ── an address for others ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_leads_whoever_is_in_to_the_page(portal: MemoryPortal) -> None:
    browser = portal.enter()
    portal.api.log.add()
    attempt = browser.page("log", view="attempts").one("table", "Attempts").all("a")[0].attributes["href"]
    button = read(browser.client.get(attempt).text).one("button", "Copy link")
    url = button.attributes["data-copy-url"]
    assert re.fullmatch(r"https://pages\.example\.com/portal/go\?to=attempts%2Fatt_[0-9a-f_]+", url)
    answer = browser.client.get(url, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, attempt)
    nobody = portal.client().get(url, follow_redirects=False)
    assert (nobody.status_code, read(nobody.text).h1) == (401, "This page has timed out")


def test_where_the_host_has_an_address_of_its_own_that_is_copied(portal: MemoryPortal) -> None:
    browser = portal.enter(return_url="https://app.example.com/hooks{path}")
    id_ = portal.api.log.add()
    page = browser.page(f"attempts/{id_}")
    assert (
        page.one("button", "Copy link").attributes["data-copy-url"] == f"https://app.example.com/hooks/attempts/{id_}"
    )
    assert page.one("link", "Back to app.example.com").attributes["href"] == "https://app.example.com/hooks"


@pytest.mark.parametrize(
    "to",
    [
        "",
        "//evil.example",
        "https://evil.example",
        "webhooks/../../x",
        "..",
        "nothing/at/all",
        "webhooks/a\r\nb: c",
        "look",
    ],
)
def test_it_leads_nowhere_else(portal: MemoryPortal, to: str) -> None:
    browser = portal.enter()
    answer = browser.client.get("/portal/go", params={"to": to}, follow_redirects=False)
    if answer.status_code == 303:
        assert answer.headers["location"].startswith(SESSIONS + browser.base.split("/")[3] + "/")
        assert "\r" not in answer.headers["location"]
    else:
        assert answer.status_code == 401
    assert to in {"", "webhooks/a\r\nb: c"} or answer.status_code == 401


def test_of_two_customers_it_is_nobody_s(portal: MemoryPortal) -> None:
    client = portal.client()
    first = portal.enter(client=client)
    newest = portal.enter(client=client)
    answer = client.get("/portal/go", params={"to": "log"}, follow_redirects=False)
    assert answer.headers["location"] == f"{newest.base}/log" != f"{first.base}/log"
    portal.enter(client=client, tenant="other")
    assert client.get("/portal/go", params={"to": "log"}, follow_redirects=False).status_code == 401
