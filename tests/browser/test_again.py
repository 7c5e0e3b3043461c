"""What a webhook did not get, sent again: one delivery, many, all that was missed; and the log that grows meanwhile."""

import re

import pytest
from msgspec import structs
from playwright.sync_api import Page, expect

from consumer.control.keys import Scope
from tests.browser.conftest import OpenWindow
from tests.browser.keyboard import press
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser
LIVE = (Scope.READ, Scope.WRITE, Scope.BODIES, Scope.REPLAY)


def test_live_moves_nothing_until_it_is_asked_to(stage: Stage, window: OpenWindow) -> None:
    page = window()
    stage.enter(page, *LIVE, begin="/log")
    table = page.get_by_role("table", name="Deliveries")
    rows = table.locator("tbody a.row")
    before = rows.evaluate_all("all => all.map((each) => each.href)")
    switch = page.get_by_role("switch", name="Live", exact=True)
    switch.click()
    expect(switch).to_be_checked()
    rows.nth(3).focus()
    top = rows.nth(3).bounding_box()
    now_ms = stage.portal.now_ms()
    fresh_one = structs.replace(stage.attempt("delivered"), event_id="live")
    made = [stage.portal.api.log.add(fresh_one, at_ms=now_ms + number) for number in range(10)]
    fresh = page.get_by_role("button", name="10 new", exact=True)
    expect(fresh).to_be_visible()
    assert rows.evaluate_all("all => all.map((each) => each.href)") == before
    expect(rows.nth(3)).to_be_focused()
    assert rows.nth(3).bounding_box() == top
    fresh.click()
    expect(rows).to_have_count(len(before) + len(made))
    after = rows.evaluate_all("all => all.map((each) => each.href)")
    assert after[len(made) :] == before
    expect(fresh).to_be_hidden()


def test_a_failed_delivery_is_sent_again_with_the_keyboard(stage: Stage, window: OpenWindow) -> None:
    page = window()
    at = stage.enter(page, *LIVE)
    page.goto(f"{at}/{stage.delivery('failed')}")
    press(page, page.get_by_role("button", name="Send again", exact=True))
    expect(page.get_by_role("region", name="Result", exact=True)).to_be_visible()


def test_what_was_delivered_is_asked_about_first(stage: Stage, window: OpenWindow) -> None:
    page = window()
    at = stage.enter(page, *LIVE)
    page.goto(f"{at}/{stage.delivery('delivered')}")
    page.get_by_role("button", name="Send again", exact=True).click()
    result = page.get_by_role("region", name="Result", exact=True)
    expect(result.get_by_role("alert")).to_be_visible()
    assert result.get_by_role("button").count() == 1


def _counted_and_sent(page: Page) -> None:
    """From the form to the job."""
    page.get_by_role("textbox", name="Since", exact=True).fill("2h")
    page.get_by_role("button", name="Count", exact=True).click()
    counted = page.get_by_role("region", name="Counted", exact=True)
    start = counted.get_by_role("button", name=re.compile(r"^(Recover [\d,]+ event|Send [\d,]+ deliver)"))
    looks = 0
    while not start.count():
        looks += 1
        assert looks < 60, "it is still being counted"  # each lets it go on
        page.reload()
    start.click()


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("link", ["Recover missed events", "Send again"])
def test_it_is_counted_first_then_sent(stage: Stage, window: OpenWindow, link: str, script: bool) -> None:
    page = window(java_script_enabled=script)
    page.goto(stage.link(*LIVE).replace("#", "?link="))
    if not script:
        page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("link", name=f"{'Warehouse 13' if script else 'CRM sync 14'}", exact=True).click()
    page.get_by_role("link", name=link, exact=True).click()
    _counted_and_sent(page)
    assert page.get_by_role("heading", level=1).inner_text() == "Job"
    expect(page.get_by_role("progressbar", name="Progress", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Counts", exact=True)).to_be_visible()
    page.get_by_role("button", name="Pause job", exact=True).click()
    page.get_by_role("button", name="Go on", exact=True).click()
    page.get_by_role("button", name="Cancel job", exact=True).click()
    expect(page.get_by_text("Canceled").first).to_be_visible()
