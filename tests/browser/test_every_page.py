"""What holds on each page there is: whatever it shows, for everybody, in every light and width.

Each page is opened once, and all of it is looked at there: to open one costs more than most looks.
"""

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Page

from consumer.brands.loader import load_brands
from consumer.control.keys import Scope
from consumer.portal.pages import ROUTES
from consumer.portal.routes import found
from tests.browser.axe import COLOURS, in_both_schemes, violations
from tests.browser.conftest import OpenWindow
from tests.browser.stage import Stage
from tests.browser.watch import watched

pytestmark = pytest.mark.browser

NO_PAGES: Final = {"log/export", "log/newer", "attempts/{attempt}/request-body", "attempts/{attempt}/response-body"}
WIDTHS: Final = (1280, 320)
SHARES: Final = 6
"""So many tests look at a part of the pages each, so that all browsers have something to do."""
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

PARTS: Final = (
    '- navigation "Main":',
    *(f'- link "{each}"' for each in ("Webhooks", "Log", "Failed deliveries", "Jobs", "Event types", "API keys")),
    '- radiogroup "Theme":',
    *(f'- radio "{each}"' for each in ("System", "Light", "Dark")),
    '- radiogroup "Times":',
    *(f'- radio "{each}"' for each in ("Local", "UTC")),
    '- status "Notices"',
    '- button "Keyboard shortcuts"',
)


def test_each_page_of_the_table_is_looked_at(stage: Stage) -> None:
    shown = {route.path for route in ROUTES if route.show is not None} - NO_PAGES - {""}
    looked_at = [found(ROUTES, path.partition("?")[0]) for path in stage.paths().values()]
    assert {each[0].path for each in looked_at if each is not None} == shown


@pytest.mark.parametrize("share", range(SHARES))
def test_each_page_is_quiet_has_its_parts_and_is_for_everybody(stage: Stage, window: OpenWindow, share: int) -> None:
    page = window()
    seen = watched(page, stage.base)
    at = stage.enter(page)
    faults: list[str] = []
    for name, path in list(stage.paths().items())[share::SHARES]:
        page.set_viewport_size({"width": max(WIDTHS), "height": 800})
        answer = page.goto(f"{at}/{path}")
        assert answer is not None
        assert answer.headers["content-security-policy"] == CSP, name
        faults += [f"{name}: {each}" for each in (*parts_missing(page), *faults_for_somebody(page))]
        seen.assert_quiet(name)
    assert faults == []


def parts_missing(page: Page) -> Iterator[str]:
    """What every page has, by its role and name, and this one has not."""
    told = [each.strip() for each in page.locator("body").aria_snapshot().splitlines()]
    yield from (each for each in PARTS if not any(line.startswith(each) for line in told))
    headings = len([each for each in told if each.startswith("- heading") and "[level=1]" in each])
    for what, number in {"banner": told.count("- banner:"), "main": told.count("- main:"), "h1": headings}.items():
        if number != 1:
            yield f"{number} {what}"
    page.keyboard.press("Tab")
    first = page.evaluate("[document.activeElement.textContent, document.activeElement.getAttribute('href')]")
    if first != ["Skip to content", "#main"]:
        yield f"first comes {first}"
    page.evaluate("document.activeElement.blur()")  # it lies over the name in front of it as long as it has the focus


def faults_for_somebody(page: Page) -> Iterator[str]:
    """What axe finds, all of the page unfolded, light and dark, wide and narrow; and what is wider than its window."""
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            yield f"{wide} px wide"
        yield from (f"{width} px, {each}" for each in in_both_schemes(page))


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_where_nothing_is_and_outside(stage: Stage, window: OpenWindow, width: int) -> None:
    page = window(viewport={"width": width, "height": 800})
    at = stage.enter(page, tenant="empty")
    faults = []
    for path in ("webhooks", "log", "failed", "jobs", "event-types"):
        page.goto(f"{at}/{path}")
        faults += [f"empty {path}: {each}" for each in violations(page)]
    page.goto(f"{stage.base}/portal/enter")
    faults += [f"enter: {each}" for each in violations(page)]
    page.goto(f"{stage.base}/portal/s/{'0' * 36}/webhooks")
    faults += [f"timed out: {each}" for each in violations(page)]
    assert faults == []


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_in_the_states_that_a_form_leads_to(stage: Stage, window: OpenWindow, width: int) -> None:
    page = window(viewport={"width": width, "height": 800})
    at = stage.enter(page)
    faults = []

    def look(state: str) -> None:
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{state}: wider than {width} px")
        faults.extend(f"{state}: {each}" for each in violations(page))

    page.goto(f"{at}/webhooks/new")
    url = page.get_by_role("textbox", name="Endpoint URL", exact=True)
    url.fill("http://not-encrypted.example.com/" + "x" * 300)
    page.get_by_role("button", name="Create webhook", exact=True).click()
    page.get_by_role("alert").wait_for()
    look("a wrong URL")
    url.fill("https://states.example.com/hooks")
    page.get_by_role("radio", name="Use my own", exact=True).check()
    look("an own secret")
    page.get_by_role("radio", name="Generate a secret", exact=True).check()
    page.get_by_role("button", name="Create webhook", exact=True).click()
    page.get_by_role("textbox", name="Secret", exact=True).wait_for()
    look("the secret")
    page.get_by_role("link", name="Send a test event", exact=True).click()
    page.get_by_role("button", name="Send test event", exact=True).click()
    page.get_by_role("region", name="Result", exact=True).get_by_text("Accepted").wait_for()
    look("a result")
    page.get_by_role("textbox", name="Data", exact=True).fill("no JSON")
    page.get_by_role("button", name="Send test event", exact=True).click()
    page.get_by_role("alert").wait_for()
    look("wrong data")
    page.get_by_role("button", name="Keyboard shortcuts", exact=True).click()
    look("the shortcuts")
    assert faults == []


@pytest.mark.parametrize("brand", sorted(load_brands().keys() - {"hookline"}))
def test_a_brand_is_read_on_a_phone_in_the_dark(stage: Stage, window: OpenWindow, brand: str) -> None:
    page = window(viewport={"width": 320, "height": 800}, color_scheme="dark")
    at = stage.enter(page, brand=brand)
    faults = []

    def look(path: str) -> None:
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > 320:
            faults.append(f"{path}: {wide} px wide")
        faults.extend(f"{path}: {each}" for each in violations(page, COLOURS, "target-size"))

    for path in ("webhooks/new", "log", "event-types", "webhooks"):
        page.goto(f"{at}/{path}")
        look(path)
    page.locator("main a.row").first.click()
    look("webhook")
    assert faults == []


def test_who_may_only_look_sees_no_button_that_changes_and_no_bodies(stage: Stage, window: OpenWindow) -> None:
    page = window()
    at = stage.enter(page, Scope.READ)
    for name, path in stage.paths().items():
        answer = page.goto(f"{at}/{path}")
        assert answer is not None
        assert answer.status in {200, 403, 404, 422}, name
        posting = page.locator("form[method=post]").evaluate_all("all => all.map((each) => each.action)")
        assert [each for each in posting if not each.endswith("/look")] == [], name
    page.goto(f"{at}/attempts/{stage.attempts['delivered']}")
    assert page.get_by_text("Bodies are hidden for you").count() == 2
    assert "country" not in page.content()
    hook = stage.webhooks["CRM sync 2"]
    posted = page.evaluate(
        """async ([to, token]) => (await fetch(to, {method: "POST", redirect: "manual",
           body: new URLSearchParams({token, once: "1".repeat(32)})})).status""",
        [f"{at}/webhooks/{hook}/pause", page.locator("input[name=token]").first.input_value()],
    )
    assert posted == 403
    download = page.request.get(f"{at}/attempts/{stage.attempts['delivered']}/request-body")
    assert download.status == 403
