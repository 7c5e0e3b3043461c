"""What holds on each page there is: whatever it shows, for everybody, in every light and width."""

import re
from typing import Final

import pytest

from consumer.control.keys import Scope
from consumer.portal.pages import ROUTES
from consumer.portal.routes import found
from tests.browser.axe import violations
from tests.browser.conftest import OpenWindow
from tests.browser.stage import Stage
from tests.browser.watch import watched

pytestmark = pytest.mark.browser

NO_PAGES: Final = {"log/export", "log/newer", "attempts/{attempt}/request-body", "attempts/{attempt}/response-body"}
WIDTHS: Final = (320, 1280)
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


def test_each_page_of_the_table_is_looked_at(stage: Stage) -> None:
    shown = {route.path for route in ROUTES if route.show is not None} - NO_PAGES - {""}
    looked_at = [found(ROUTES, path.partition("?")[0]) for path in stage.paths().values()]
    assert {each[0].path for each in looked_at if each is not None} == shown


def test_no_page_speaks_to_anybody_else_or_complains(stage: Stage, window: OpenWindow) -> None:
    page = window()
    seen = watched(page, stage.base)
    at = stage.enter(page)
    for name, path in stage.paths().items():
        answer = page.goto(f"{at}/{path}")
        assert answer is not None
        assert answer.headers["content-security-policy"] == CSP, name
        seen.assert_quiet(name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_nothing_is_scrolled_sideways(
    stage: Stage, window: OpenWindow, width: int, scheme: str
) -> None:
    page = window(viewport={"width": width, "height": 800}, color_scheme=scheme)
    at = stage.enter(page)
    faults = []
    for name, path in stage.paths().items():
        page.goto(f"{at}/{path}")
        for each in page.locator("summary").all():
            each.click()
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            faults.append(f"{name}: {wide} px wide")
        faults += [f"{name}: {each}" for each in violations(page)]
    assert faults == []


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_where_nothing_is_and_outside(stage: Stage, window: OpenWindow, width: int) -> None:
    page = window(viewport={"width": width, "height": 800})
    at = stage.enter(page, tenant="empty")
    faults = []
    for path in ("webhooks", "log", "failed", "event-types"):
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


def test_every_page_has_its_parts_by_their_names(stage: Stage, window: OpenWindow) -> None:
    page = window()
    at = stage.enter(page)
    for name, path in stage.paths().items():
        page.goto(f"{at}/{path}")
        assert page.get_by_role("banner").count() == 1, name
        assert page.get_by_role("main").count() == 1, name
        assert page.get_by_role("heading", level=1).count() == 1, name
        navigation = page.get_by_role("navigation", name="Main", exact=True)
        for each in ("Webhooks", "Log", "Failed deliveries", "Jobs", "Event types", "API keys"):
            assert navigation.get_by_role("link", name=each, exact=True).count() == 1, (name, each)
        for group, choices in {"Theme": ("System", "Light", "Dark"), "Times": ("Local", "UTC")}.items():
            for each in choices:
                radio = page.get_by_role("radiogroup", name=group, exact=True).get_by_role("radio", name=each)
                assert radio.count() == 1, (name, each)
        assert page.get_by_role("status", name="Notices", exact=True).count() == 1, name
        assert page.get_by_role("button", name="Keyboard shortcuts", exact=True).is_visible(), name
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content", name
        assert re.fullmatch(r"#main", page.evaluate("document.activeElement.getAttribute('href')"))
