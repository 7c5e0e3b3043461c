"""The operator's console in a browser: who comes in, what it says of itself, and where it leads."""

import pytest
from playwright.sync_api import Page, expect

from consumer.console.sessions import WRONG_MOST
from tests.browser.axe import violations
from tests.browser.conftest import OpenWindow
from tests.browser.stage import Stage
from tests.browser.watch import watched
from tests.memory_api import OPERATOR

pytestmark = pytest.mark.browser

REGIONS = ("Now", "Lag", "Waiting to be retried", "Worst endpoints", "Stuck partitions", "Tenants", "Jobs")


def signed_in(page: Page, stage: Stage, key: str = OPERATOR) -> None:
    page.goto(f"{stage.base}/console")
    page.get_by_role("textbox", name="Operator key", exact=True).fill(key)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_the_operator_finds_a_tenant_and_opens_its_pages_without_script(stage: Stage, window: OpenWindow) -> None:
    page = window(java_script_enabled=False)
    signed_in(page, stage)
    for name in REGIONS:
        expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()
    page.get_by_role("searchbox", name="Find a tenant", exact=True).fill("GLOBEX-12")
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_role("button", name="Open as this tenant", exact=True).click()
    page.get_by_role("textbox", name="Reason", exact=True).fill("ticket 4711")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Webhooks", exact=True)).to_be_visible()
    expect(page.get_by_text("You can look, but not change anything here.")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_its_pages_are_quiet_and_for_everybody(stage: Stage, window: OpenWindow, width: int, scheme: str) -> None:
    page = window(viewport={"width": width, "height": 800}, color_scheme=scheme)
    seen = watched(page, stage.base)
    faults: list[str] = []

    def look(name: str) -> None:
        expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
        seen.assert_quiet(name)
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            faults.append(f"{name}: {wide} px wide")
        faults.extend(f"{name}: {each}" for each in violations(page))

    page.goto(f"{stage.base}/console")
    look("Operator")
    signed_in(page, stage)
    look("Console")
    page.get_by_role("button", name="Open as this tenant", exact=True).first.click()
    page.get_by_role("radio", name="Change webhooks, send again", exact=True).check()
    look("Open the pages of acme?")
    page.get_by_role("textbox", name="Reason", exact=True).fill("ticket 4711")
    page.get_by_role("button", name="Open", exact=True).click()
    look("to change them?")
    assert faults == []


def test_it_stands_in_no_frame_and_looks_at_few_wrong_keys(stage: Stage, host: str, window: OpenWindow) -> None:
    page = window()
    page.goto(f"{host}/?frame={stage.base}/console")
    expect(page.locator("iframe")).to_be_visible()
    expect(page.frame_locator("iframe").get_by_role("textbox", name="Operator key")).to_have_count(0)
    signed_in(page, stage, "no key at all")
    expect(page.get_by_role("alert")).to_have_text("This is not the operator's key.")
    for _ in range(WRONG_MOST):
        signed_in(page, stage, "no key at all")
    expect(page.get_by_role("alert")).to_contain_text("Too many wrong keys were tried.")
