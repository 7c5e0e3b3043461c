"""One walk through the pages in a real browser, small enough for `make test`. All the others: `make test-browser`."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.chromium import MISSING, chromium
from tests.browser.stage import staged
from tests.browser.watch import watched
from tests.services.needs import find_browser


@pytest.mark.skipif(find_browser() is None, reason=MISSING)
def test_a_customer_walks_through_the_pages() -> None:
    with staged() as stage, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(20_000)
        seen = watched(page, stage.base)
        at = stage.enter(page)
        _looked_at(page, seen.base)
        _created_and_tested(page)
        _looked_at(page, seen.base)
        _found_in_the_log(page)
        page.set_viewport_size({"width": 320, "height": 800})
        page.emulate_media(color_scheme="dark")
        page.goto(f"{at}/attempts/{stage.attempts['hostile']}")
        assert page.locator("main script, main img").count() == 0
        _looked_at(page, seen.base)
        seen.assert_quiet("on the whole walk")


def _looked_at(page: Page, base: str) -> None:
    """What must hold of every page."""
    assert page.url.startswith(f"{base}/portal/s/")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


def _created_and_tested(page: Page) -> None:
    page.get_by_role("link", name="New webhook", exact=True).click()
    page.get_by_role("textbox", name="Endpoint URL", exact=True).fill("https://core.example.com/hooks")
    page.get_by_role("group", name="Event types").get_by_role("checkbox", name="webhook.test", exact=True).check()
    page.get_by_role("button", name="Create webhook", exact=True).click()
    expect(page.get_by_role("textbox", name="Secret", exact=True)).to_have_value(re.compile("whsec_"))
    page.reload()
    expect(page.get_by_text("The secret was shown once.")).to_be_visible()
    page.get_by_role("link", name="Send a test event", exact=True).click()
    page.get_by_role("button", name="Send test event", exact=True).click()
    expect(page.get_by_role("region", name="Result", exact=True)).to_contain_text("thanks")


def _found_in_the_log(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Log", exact=True).click()
    page.get_by_role("checkbox", name="Failed", exact=True).check()
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page).to_have_url(re.compile("status=failed"))
    page.get_by_role("table", name="Deliveries").get_by_role("link", name="order").first.click()
    expect(page.get_by_role("region", name="What happened", exact=True)).to_contain_text("Given up")
