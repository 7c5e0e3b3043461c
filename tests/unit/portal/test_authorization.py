"""Who may see and do what on the pages: every route of the table, for every kind of session, and for nobody.

It is made of the table: a route about a kind of thing that is not named in `Things` fails here until it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import pytest

from consumer.console.front import PAGES, PATH, SIGN_IN
from consumer.control.keys import Scope
from consumer.jobs.job import State
from consumer.portal.pages import ROUTES
from consumer.portal.routes import Route, found
from tests.html import Node, Page, read
from tests.memory_api import OWNER
from tests.memory_portal import NAVIGATED, Browser, MemoryPortal, webhook

FIELDS: Final = {"url": "https://example.com/in", "hours": "1", "head": "drop", "name": "n", "since": "2h"}
"""What makes each form one that could be done."""
DOING: Final = [route for route in ROUTES if route.do is not None or route.draft is not None]
GRANTS: Final[dict[str, Any]] = {
    "tenant": {"tenant": "other"},
    "brand": {"brand": "conclude"},
    "product": {"product": "blog"},
}
STRANGE: Final[tuple[dict[str, str], ...]] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
)


@dataclass(frozen=True)
class Things:
    """What acme has: a thing of every kind that a path names."""

    portal: MemoryPortal
    product: str | None = None

    @cached_property
    def ids(self) -> Mapping[str, str]:
        api = self.portal.api
        id_ = webhook(self.portal, **({} if self.product is None else {"product": self.product}))
        attempt = api.log.add(subscription_id=id_)
        return {
            "webhook": id_,
            "attempt": attempt,
            "delivery": api.log.attempts[-1].delivery_id,
            "job": api.jobs.put(OWNER, id_, state=State.COUNTED),
            "key": api.key(Scope.READ)[0].id,
            "type": "order.paid",
        }

    def path(self, route: Route) -> str:
        """Where the route is, of one of these."""
        return route.path.format(**self.ids)

    def done(self) -> tuple[object, ...]:
        """Whatever a form changes."""
        api = self.portal.api
        records = (len(api.topics.subscriptions.records), len(api.dead_letters.replayed))
        jobs = {id_: known.job.state for id_, known in api.jobs.known.items()}
        return (*records, tuple(api.plane.tried), tuple(api.plane.resent), tuple(sorted(jobs.items())), self._keys())

    def _keys(self) -> tuple[object, ...]:
        self.portal.api.plane.fresh()
        page, _ = self.portal.api.plane.api_keys.page(OWNER, after=None, limit=100)
        return tuple((each.id, each.revoked_at_ms) for each in page)


@pytest.fixture
def things(portal: MemoryPortal) -> Things:
    made = Things(portal)
    assert made.ids
    return made


def token_of(portal: MemoryPortal, browser: Browser) -> str:
    """What a form of this session's own pages carries."""
    link = portal.links.read(portal.link(), portal.now_ms())
    assert link is not None
    opened, _ = portal.links.open(link, now_ms=portal.now_ms(), entropy=bytes)
    return portal.links.form_token(replace(opened, id=browser.base.split("/")[-1]))


def form(token: str, number: int = 0) -> dict[str, str | list[str]]:
    return {"token": token, "once": f"{number:032x}", **FIELDS}


def is_about_something(route: Route) -> bool:
    """Of a thing of one customer's: the catalogue is everybody's."""
    return "{" in route.path and "{type}" not in route.path


def test_a_session_sees_and_does_what_its_scope_says_and_nothing_else(portal: MemoryPortal, things: Things) -> None:
    before = things.done()
    for scope in Scope:
        browser = portal.enter(scope)
        token = token_of(portal, browser)
        for number, route in enumerate(ROUTES):
            path = things.path(route)
            expected = 404 if route.show is None else 200 if scope is route.needs else 403
            assert browser.get(path).status_code == expected, (path, scope)
            if scope not in {route.needs, route.do_needs} or route.needs is not route.do_needs:
                assert browser.post(path, form(token, number)).status_code == 403, (path, scope)
    assert things.done() == before


@pytest.mark.parametrize("whose", GRANTS)
def test_what_is_somebody_elses_is_not_there(whose: str) -> None:
    portal = MemoryPortal(brands=("hookline", "conclude"))
    things = Things(portal, product="shop" if whose == "product" else None)
    other = portal.enter(*Scope, **{"tenant": "acme", **GRANTS[whose]})
    token, before = token_of(portal, other), (things.ids, things.done())[1]
    for number, route in enumerate(ROUTES):
        path = things.path(route)
        if is_about_something(route):
            expected = {404} | ({403} if whose == "product" and route.needs is Scope.ADMIN else set())
            assert other.get(path).status_code in expected, path
            if route.do is not None:
                assert other.post(path, form(token, number)).status_code in expected, path
        elif route.show is not None:
            shown = other.get(path).text
            assert [id_ for name, id_ in things.ids.items() if id_ in shown and name != "type"] == [], path
    assert things.done() == before


def nobodies(portal: MemoryPortal) -> Iterator[tuple[str, Browser]]:
    """Whoever is not in: each at the address of a session."""
    live = portal.enter(*Scope)
    yield "without a cookie", Browser(portal.client(), live.base)
    yield "with the cookie of another session", Browser(portal.enter(*Scope).client, live.base)
    ended = portal.enter(*Scope)
    link = portal.links.read(portal.link(*Scope), portal.now_ms())
    assert link is not None
    portal.api.plane.portal_ending.end_all(OWNER)
    yield "after its end", ended


def test_nobody_sees_or_does_anything(portal: MemoryPortal, things: Things) -> None:
    before = things.done()
    for who, browser in nobodies(portal):
        token = token_of(portal, browser)
        for number, route in enumerate(ROUTES):
            path = things.path(route)
            answers = browser.get(path), browser.post(path, form(token, number))
            assert [each.status_code for each in answers] == [401, 401], (who, path)
            assert [read(each.text).h1 for each in answers] == ["This page has timed out"] * 2, (who, path)
            assert not [id_ for id_ in things.ids.values() for each in answers if id_ in each.text], (who, path)
    assert things.done() == before


@pytest.mark.parametrize("route", DOING, ids=lambda route: route.path)
def test_a_form_of_elsewhere_does_nothing(portal: MemoryPortal, things: Things, route: Route) -> None:
    browser, before, path = portal.enter(*Scope), things.done(), things.path(route)
    token, others = token_of(portal, browser), token_of(portal, portal.enter(*Scope))
    for headers in STRANGE:
        answer = browser.client.post(f"{browser.base}/{path}", data=form(token), headers=headers)
        assert answer.status_code == 403, headers
    for wrong in ("", "nonsense", token[:-1], others):
        assert browser.post(path, form(wrong)).status_code == 403, wrong
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = browser.client.request(method, f"{browser.base}/{path}", headers=NAVIGATED)
        assert answer.status_code == 405, method
    assert things.done() == before


def controls(page: Page) -> Iterator[tuple[Node, str]]:
    """What can be pressed or followed on a page, and where it leads."""
    for each in page.all():
        if each.tag in {"a", "form"}:
            yield each, each.attributes.get("action") or each.attributes.get("href") or ""


@pytest.mark.parametrize("extra", [(), *((each,) for each in Scope if each is not Scope.READ), tuple(Scope)], ids=str)
def test_no_page_leads_to_what_its_session_may_not(
    portal: MemoryPortal, things: Things, extra: tuple[Scope, ...]
) -> None:
    may = {Scope.READ, *extra}
    browser = portal.enter(*may)
    for shown in (route for route in ROUTES if route.show is not None and route.needs in may):
        answer = browser.get(things.path(shown))
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for node, where in controls(read(answer.text)):
            path = where.partition("?")[0].partition("#")[0]
            if not path.startswith(f"{browser.base}/"):
                continue
            leads = found(ROUTES, path.removeprefix(f"{browser.base}/"))
            assert leads is not None, (shown.path, where)
            assert leads[0].needs in may, (shown.path, where)
            if node.attributes.get("method") == "post":
                assert leads[0].do_needs in may, (shown.path, where)


@pytest.mark.parametrize("path", sorted(PAGES))
def test_the_console_is_the_operators(portal: MemoryPortal, things: Things, path: str) -> None:
    before = things.done()
    customer, fields = portal.enter(*Scope).client, {"key": "nobody's", "token": "t", "access": "change", "reason": "r"}
    for client in (portal.client(), customer):
        answer = client.get(f"{path}?tenant=acme&brand=hookline")
        assert (read(answer.text).h1, "acme" in answer.text) == ("Operator", False)
        posted = client.post(path, data=fields, headers=NAVIGATED, follow_redirects=False)
        if path == SIGN_IN:
            assert posted.status_code == 403
        else:
            assert (posted.status_code, posted.headers["location"]) == (303, PATH)
        assert "set-cookie" not in posted.headers
        for headers in STRANGE:
            assert client.post(path, data=fields, headers=headers).status_code == 403, headers
    assert things.done() == before
