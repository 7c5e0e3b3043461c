"""A link opens one session; whoever has its key has it, while it lasts, and no other."""

import re
from dataclasses import replace

import pytest
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Send
from starlette.types import Scope as Scope_

from consumer.control.keys import Scope
from consumer.portal.assets import assets
from consumer.portal.cookies import MOST, Jar, cookies_of
from consumer.settings import ConfigurationError, Settings
from tests.html import read
from tests.memory_api import HOST, KEYS, NOW_MS, PORTAL, MemoryApi
from tests.memory_portal import NAVIGATED, Browser, MemoryPortal, expired
from tests.web import Client

FRAMED = {"Sec-Fetch-Dest": "iframe"}


def entered(portal: MemoryPortal, text: str, **headers: str) -> tuple[int, str, list[str]]:
    answer = portal.client().post(
        "/portal/enter", data={"link": text}, headers=NAVIGATED | headers, follow_redirects=False
    )
    return answer.status_code, answer.headers.get("location", ""), answer.headers.get_list("set-cookie")


def test_the_page_of_a_link_asks_to_continue_and_uses_nothing(portal: MemoryPortal) -> None:
    text = portal.link()
    page = read(portal.client().get("/portal/enter", params={"link": text}).text)
    assert page.h1 == "Open your webhooks"
    page.one("button", "Continue")
    assert page.form("/portal/enter") == {"link": text}
    assert portal.opened.used == set()
    assert entered(portal, text)[0] == 303


def test_a_link_works_once(portal: MemoryPortal) -> None:
    text = portal.link(page="/log")
    status, location, cookies = entered(portal, text)
    assert (status, bool(re.fullmatch(r"/portal/s/[0-9a-f]{36}/log", location))) == (303, True)
    again = portal.client().post("/portal/enter", data={"link": text}, headers=NAVIGATED)
    assert (again.status_code, "was used or is too old" in again.text) == (403, True)
    assert len(cookies) == 1


def test_every_link_that_opens_nothing_gets_one_page(portal: MemoryPortal) -> None:
    used = portal.link()
    entered(portal, used)
    key, _ = portal.api.key(*Scope)
    revoked = portal.link(key_id=key.id)
    portal.api.write_key(replace(key, revoked_at_ms=NOW_MS))
    old = portal.link(expires_in_ms=-1)
    bad = [
        used,
        revoked,
        old,
        "",
        "nonsense",
        used[:-1] + ("A" if used[-1] != "A" else "B"),
        "é",
        portal.links.form_token,
    ]
    pages = {portal.client().post("/portal/enter", data={"link": str(each)}, headers=NAVIGATED).text for each in bad}
    assert len(pages) == 1
    assert portal.opened.used == {portal.links.read(used, portal.now_ms()).id}  # type: ignore[union-attr] # it is one


def test_the_cookie_is_bound_to_this_host_and_hidden_from_scripts(portal: MemoryPortal) -> None:
    _, location, cookies = entered(portal, portal.link())
    session = location.split("/")[3]
    assert cookies[0].startswith(f"__Host-hl-{session}=")
    assert set(cookies[0].split("; ")[1:]) >= {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}
    client = portal.client()
    portal.enter(client=client)
    link = {"link": portal.link(embed_origins=(HOST,))}
    answer = client.post("/portal/enter", data=link, headers=NAVIGATED | FRAMED, follow_redirects=False)
    framed = answer.headers.get_list("set-cookie")
    assert set(framed[0].split("; ")) >= {"Secure", "HttpOnly", "SameSite=None", "Partitioned"}


def test_a_browser_keeps_the_ten_newest(portal: MemoryPortal) -> None:
    client = portal.client()
    browsers = [portal.enter(client=client) for _ in range(MOST + 3)]
    states = [each.get("webhooks").status_code for each in browsers]
    assert states == [401] * 3 + [200] * MOST


def test_two_customers_in_one_browser_do_not_mix(portal: MemoryPortal) -> None:
    client = portal.client()
    theirs = portal.api.webhook(portal.api.client(tenant="other"), name="Theirs")["id"]
    portal.api.webhook(portal.api.client(), name="Ours")
    acme, other = portal.enter(client=client), portal.enter(client=client, tenant="other")
    assert ("Ours" in acme.get("webhooks").text, "Theirs" in acme.get("webhooks").text) == (True, False)
    assert ("Ours" in other.get("webhooks").text, "Theirs" in other.get("webhooks").text) == (False, True)
    assert acme.get(f"webhooks/{theirs}").status_code == 404
    key = client.cookies[f"__Host-hl-{other.base.split('/')[-1]}"]
    mixed = portal.client()
    mixed.cookies.set(f"__Host-hl-{acme.base.split('/')[-1]}", key)
    assert mixed.get(f"{acme.base}/webhooks").status_code == 401
    form = read(acme.get(f"webhooks/{_only(portal)}/delete").text).form(f"{acme.base}/webhooks/{_only(portal)}/delete")
    assert other.post(f"webhooks/{theirs}/delete", form).status_code == 403, "a form of another session"


def test_a_session_that_ends_while_its_form_is_on_its_way_does_nothing(portal: MemoryPortal) -> None:
    key, _ = portal.api.key(*Scope)
    id_ = portal.api.webhook(portal.api.client())["id"]
    browser = portal.enter(key_id=key.id)
    form = browser.page(f"webhooks/{id_}").form(f"{browser.base}/webhooks/{id_}/pause")

    async def ends_meanwhile(scope: Scope_, receive: Receive, send: Send) -> None:
        async def late() -> Message:
            portal.api.write_key(replace(key, revoked_at_ms=NOW_MS))
            portal.api.plane.fresh()
            return await receive()

        await portal.app(scope, late, send)

    slow = Client(ends_meanwhile, base_url=PORTAL, cookies=browser.client.cookies)
    assert Browser(slow, browser.base).post(f"webhooks/{id_}/pause", form).status_code == 401
    assert portal.api.client().get(f"/v1/webhooks/{id_}").json()["status"] == "active"


def _only(portal: MemoryPortal) -> str:
    return str(portal.api.client().get("/v1/webhooks").json()["data"][0]["id"])


def test_no_cookie_no_page(portal: MemoryPortal) -> None:
    browser = portal.enter()
    for path in ("webhooks", "log", "nothing", ""):
        assert portal.client().get(f"{browser.base}/{path}").status_code == 401
    assert portal.client().get("/portal/s/").status_code == 404
    assert portal.client().get("/portal/").status_code == 404
    assert portal.client().put(f"{browser.base}/webhooks").status_code == 405


def test_a_session_ends_when_it_says_so_and_says_where_to_go(portal: MemoryPortal) -> None:
    browser = portal.enter(expires_in_ms=60_000, return_url="https://app.example.com/hooks", embed_origins=(HOST,))
    assert browser.get("webhooks").status_code == 200
    late = expired(portal, browser)
    answer = late.get(f"{browser.base}/webhooks")
    page = read(answer.text)
    assert (answer.status_code, page.h1) == (401, "This page has timed out")
    assert page.one("link", "Back to app.example.com").attributes["href"] == "https://app.example.com/hooks"
    assert f"frame-ancestors {HOST};" in answer.headers["content-security-policy"]
    assert late.post(f"{browser.base}/webhooks/new", data={}, headers=NAVIGATED).status_code == 401


def test_a_session_ends_with_the_key_that_made_it_and_shrinks_with_its_scopes(portal: MemoryPortal) -> None:
    key, _ = portal.api.key(*Scope)
    browser = portal.enter(key_id=key.id)
    assert browser.page("webhooks").find("link", "New webhook")
    portal.api.write_key(replace(key, scopes=frozenset({Scope.READ, Scope.ADMIN})))
    assert not browser.page("webhooks").find("link", "New webhook")
    portal.api.write_key(replace(key, revoked_at_ms=NOW_MS))
    assert browser.get("webhooks").status_code == 401


def test_only_the_links_origins_may_frame_its_pages(portal: MemoryPortal) -> None:
    alone, framed = portal.enter(), portal.enter(embed_origins=(HOST,))
    assert "frame-ancestors 'none';" in alone.get("webhooks").headers["content-security-policy"]
    assert f"frame-ancestors {HOST};" in framed.get("webhooks").headers["content-security-policy"]
    assert f"frame-ancestors {HOST};" in portal.client().get("/portal/enter").headers["content-security-policy"]
    assert framed.page("webhooks").all("body")[0].attributes["data-embed"] == HOST


def test_every_answer_is_private(portal: MemoryPortal) -> None:
    browser = portal.enter()
    for path in ("webhooks", "nothing", "log", "webhooks/new", "log/export"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';" in policy
        assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
        assert headers["referrer-policy"] in {"same-origin", "strict-origin"}
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_assets_are_kept_for_ever_and_nothing_else_is_one(portal: MemoryPortal) -> None:
    page = portal.enter().page("webhooks")
    sheet = next(each for each in page.all("link") if each.attributes["rel"] == "stylesheet").attributes["href"]
    got = portal.client().get(sheet)
    assert (got.status_code, got.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert got.headers["content-type"].startswith("text/css")
    for other in ("/portal/assets/", "/portal/assets/0000000000000000/pages.css", sheet + "/../../front.py"):
        assert portal.client().get(other).status_code == 404


def test_kafka_away_is_a_page_that_says_so(portal: MemoryPortal) -> None:
    browser = portal.enter()
    portal.api.plane.away = "gone"
    answer = browser.get("webhooks")
    assert (answer.status_code, read(answer.text).h1) == (503, "This cannot be shown right now")
    assert browser.client.get(_sheet()).status_code == 200


def _sheet() -> str:
    return assets().url("pages.css")


def test_without_an_address_there_are_no_pages() -> None:
    settings = Settings(encryption_keys=KEYS, api_requests_per_s=10_000)
    portal = MemoryPortal(settings=settings)
    assert portal.client().get("/portal/enter").status_code == 401, "the API's own answer"
    assert portal.api.client(*Scope).post("/v1/portal-links", json={}).status_code == 404


def test_an_address_where_sessions_could_be_read_is_refused() -> None:
    settings = Settings(encryption_keys=KEYS, portal_url="http://pages.example.com")
    with pytest.raises(ConfigurationError, match="HOOKLINE_PORTAL_URL"):
        MemoryPortal(settings=settings)
    MemoryPortal(settings=Settings(encryption_keys=KEYS, portal_url="http://pages.example.com", allow_http=True))
    MemoryPortal(settings=Settings(encryption_keys=KEYS, portal_url="http://localhost:8080"))


def test_over_plain_http_elsewhere_cookies_have_no_prefix() -> None:
    jar = Jar(base="http://pages.example.com")
    assert jar.look({"hl-look": "dark.utc"}).theme == "dark"
    assert "Secure" not in jar.chosen(jar.look({}), framed=True)


def test_the_first_of_two_cookies_counts() -> None:
    headers = Headers(raw=[(b"cookie", b"a=1; b=2;a=3; junk"), (b"cookie", b"c=x=y")])
    assert cookies_of(headers) == {"a": "1", "b": "2", "c": "x=y"}


def test_a_theme_is_kept_in_the_browser(portal: MemoryPortal) -> None:
    browser = portal.enter(theme="light")
    page = browser.page("log")
    assert page.all("html")[0].attributes["data-theme"] == "light"
    kept = browser.submit(page, "look", {"theme": "dark", "times": "utc"})
    assert (kept.status_code, kept.headers["location"]) == (303, f"{browser.base}/log")
    page = browser.page("log")
    assert page.all("html")[0].attributes["data-theme"] == "dark"
    assert [each.attributes["value"] for each in page.find("radio") if "checked" in each.attributes] == ["dark", "utc"]
    away = browser.submit(page, "look", {"here": "../../../evil", "theme": "nonsense"})
    assert away.headers["location"] == f"{browser.base}/webhooks"


def test_the_front_is_limited_like_the_apis() -> None:
    portal = MemoryPortal(settings=MemoryApi().plane.settings.model_copy(update={"api_requests_per_s": 3}))
    browser: Browser = portal.enter()
    states = [browser.get("event-types").status_code for _ in range(5)]
    assert states[:3] == [200] * 3
    assert 429 in states
    assert portal.client().base_url == PORTAL


def test_the_log_names_the_link_and_never_its_text(portal: MemoryPortal, capsys: pytest.CaptureFixture[str]) -> None:
    text = portal.link(page="/log")
    client = portal.client()
    answer = client.post("/portal/enter", data={"link": text}, headers=NAVIGATED, follow_redirects=False)
    client.get(answer.headers["location"], params={"find": "s3cret"}, follow_redirects=False)
    said = capsys.readouterr().out
    link = portal.links.read(text, portal.now_ms())
    assert link is not None
    assert f"by={link.id}" in said
    assert "route=/portal/s/{session}/log" in said
    assert text not in said
    assert "s3cret" not in said
    assert all(value not in said for value in client.cookies.values())


def test_in_a_frame_a_link_is_used_only_where_cookies_are_kept(portal: MemoryPortal) -> None:
    text = portal.link(embed_origins=(HOST,))
    keeping = portal.client()
    first = keeping.post("/portal/enter", data={"link": text}, headers=NAVIGATED | FRAMED, follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (307, "/portal/enter?tried=1")
    [trial] = first.headers.get_list("set-cookie")
    assert set(trial.split("; ")) >= {"__Host-hl-trial=1", "Secure", "HttpOnly", "SameSite=None", "Partitioned"}
    assert portal.opened.used == set(), "it may still be opened elsewhere"
    second = keeping.post(
        first.headers["location"], data={"link": text}, headers=NAVIGATED | FRAMED, follow_redirects=False
    )
    assert (second.status_code, "Partitioned" in second.headers["set-cookie"]) == (303, True)
    assert keeping.get(second.headers["location"]).status_code == 200


@pytest.mark.parametrize("dest", ["iframe", None])
def test_where_no_cookie_comes_back_the_link_opens_in_a_window(portal: MemoryPortal, dest: str | None) -> None:
    text = portal.link(embed_origins=(HOST,))
    headers = {"Sec-Fetch-Site": "same-origin"} | ({} if dest is None else {"Sec-Fetch-Dest": dest})
    answer = portal.client().post("/portal/enter?tried=1", data={"link": text}, headers=headers, follow_redirects=False)
    page = read(answer.text)
    assert (answer.status_code, page.h1) == (200, "Open in a new window")
    page.one("button", "Open in a new window")
    assert page.all("form")[0].attributes["target"] == "_blank"
    assert f"frame-ancestors {HOST};" in answer.headers["content-security-policy"]
    form = page.form("/portal/enter")
    opened = portal.client().post("/portal/enter", data=form, headers=NAVIGATED, follow_redirects=False)
    assert (opened.status_code, "SameSite=Lax" in opened.headers["set-cookie"]) == (303, True)


def test_a_link_that_is_not_for_frames_asks_for_no_cookie(portal: MemoryPortal) -> None:
    assert entered(portal, portal.link(), **FRAMED)[0] == 303


def test_browsers_that_say_no_site_say_their_origin(portal: MemoryPortal) -> None:
    browser = portal.enter()
    form = browser.page("webhooks/new").form(f"{browser.base}/webhooks/new") | {"url": "https://a.example/"}
    path = f"{browser.base}/webhooks/new"
    for origin, status in (("https://evil.example", 403), ("null", 403), (None, 403), (PORTAL, 200)):
        headers = {} if origin is None else {"Origin": origin}
        assert browser.client.post(path, data=form, headers=headers).status_code == status, origin
    assert browser.get("webhooks").headers["referrer-policy"] == "same-origin", "else their origin would be null"
    assert portal.client().get("/portal/enter").headers["referrer-policy"] == "strict-origin"


def test_pages_say_whose_they_are_and_until_when(portal: MemoryPortal) -> None:
    def of(tenant: str) -> dict[str, str]:
        return portal.enter(user="Ada", tenant=tenant).page("webhooks/new").all("body")[0].attributes

    ada, again, other = of("acme"), of("acme"), of("other")
    assert ada["data-session"] != again["data-session"]
    assert ada["data-whose"] == again["data-whose"] != other["data-whose"]
    assert (ada["data-here"], 3_500 < int(ada["data-ends"]) <= 3_600) == ("webhooks/new", True)
    assert "acme" not in str(ada)
