"""The log's live tail, and how far the log is."""

from dataclasses import replace

import pytest

from consumer.control.keys import Scope
from consumer.log.query import Page as LogPage
from consumer.log.query import Position
from consumer.portal.log_live import Stand, stand_of
from consumer.portal.times import moment
from tests.html import Page, read
from tests.memory_portal import Browser, MemoryPortal

NOW_MS = 1_790_000_000_000
FOUND = LogPage(
    rows=(), next=None, latest=Position.from_(NOW_MS), as_of_ms=NOW_MS - 2_000, indexed_from_ms=NOW_MS - 60_000
)


def below(browser: Browser, url: str) -> str:
    return url.removeprefix(browser.base + "/")


def bar(page: Page) -> str:
    return next(each.attributes["data-live"] for each in page.all() if "data-live" in each.attributes)


def rows(page: Page) -> list[str]:
    return [each.all("a")[0].text for each in page.find("table")[0].all("tr")[1:]]


def test_what_is_newer_comes_once_the_newest_first(portal: MemoryPortal) -> None:
    browser = portal.enter()
    portal.api.log.add(event_type="old")
    page = browser.page("log")
    page.one("switch", "Live")
    for name in ("one", "two"):
        portal.api.log.add(event_type=name)
    newer = browser.page(below(browser, bar(page)))
    assert rows(newer) == ["two", "one"]
    assert newer.find("table")[0].all("tr")[1].attributes["data-row"].startswith("wh_1/")
    after = newer.all("body")[0].attributes["data-after"]
    assert rows(browser.page(below(browser, after))) == []
    portal.api.log.add(event_type="three")
    assert rows(browser.page(below(browser, after))) == ["three"]
    assert "Since" in newer.by_id("stand").text


def test_the_tail_has_the_filters_of_its_page(portal: MemoryPortal) -> None:
    browser = portal.enter()
    portal.api.log.add(event_type="a.b")
    page = browser.page("log", view="attempts", type="a.*")
    portal.api.log.add(event_type="a.c")
    portal.api.log.add(event_type="b")
    newer = browser.page(below(browser, bar(page)))
    assert rows(newer) == ["a.c"]
    assert not newer.find("checkbox")


def test_further_pages_and_pages_that_cannot_be_shown_have_no_tail(portal: MemoryPortal) -> None:
    browser = portal.enter()
    for _ in range(25):
        portal.api.log.add()
    older = browser.page(below(browser, browser.page("log").one("link", "Older").attributes["href"]))
    wrong = read(browser.get("log", since="never").text)
    for page in (older, wrong):
        assert not page.find("switch", "Live")


def test_the_place_of_a_tail_is_its_sessions_own(portal: MemoryPortal) -> None:
    browser, other = portal.enter(), portal.enter(tenant="other")
    after = below(browser, bar(browser.page("log")))
    portal.api.log.add()
    assert rows(browser.page(after)) == ["order.created"]
    assert other.get(after).status_code == 422
    assert browser.get(after + "&status=failed").status_code == 422
    assert browser.get("log/newer", after="nonsense").status_code == 422
    assert rows(portal.enter(Scope.READ).page("log/newer")) == []


@pytest.mark.parametrize(
    ("found", "stand"),
    [
        (None, Stand(reaches=None, as_of=None, behind=False, filling=False)),
        (FOUND, (False, False)),
        (replace(FOUND, as_of_ms=NOW_MS - 40_000), (True, False)),
        (replace(FOUND, filling=True), (False, True)),
    ],
)
def test_how_far_the_log_is(found: LogPage | None, stand: Stand | tuple[bool, bool]) -> None:
    told = stand_of(found, NOW_MS)
    assert stand in (told, (told.behind, told.filling))
    if found is not None:
        assert told.reaches == moment(NOW_MS - 60_000, NOW_MS)


def test_a_log_that_is_behind_or_rebuilt_says_so(portal: MemoryPortal) -> None:
    browser, log = portal.enter(), portal.api.log
    log.add()
    log.as_of_ms = portal.now_ms() - 18_060_000
    assert "The log is 5 h behind." in browser.page("log").by_id("stand").text
    log.filling = True
    assert "The log is being rebuilt: it reaches back to" in browser.page("log").by_id("stand").text
