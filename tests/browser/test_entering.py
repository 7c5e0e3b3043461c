"""The way in: by a link that leaves no trace, in a frame of the right page only, and out when the time is over."""

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests import markdown
from tests.browser.conftest import OpenWindow
from tests.browser.host import Host, hosting
from tests.browser.stage import OF_FORMS, Stage
from tests.memory_api import OWNER

pytestmark = pytest.mark.browser


def test_a_link_opens_and_leaves_no_trace(stage: Stage, window: OpenWindow) -> None:
    page = window()
    link = stage.link()
    page.goto(link)
    page.wait_for_url(re.compile("/portal/s/"))
    assert page.get_by_role("heading", level=1).inner_text() == "Webhooks"
    text = link.partition("#")[2]
    history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
    assert text not in json.dumps(history)
    assert text not in page.evaluate("[location.href, document.referrer, document.documentElement.outerHTML].join()")
    page.goto(link)
    expect(page.get_by_text("This link was used or is too old.")).to_be_visible()


def test_without_script_a_link_is_continued_by_hand(stage: Stage, window: OpenWindow) -> None:
    page = window(java_script_enabled=False)
    page.goto(stage.link().replace("#", "?link="))
    assert page.get_by_role("heading", level=1).inner_text() == "Open your webhooks"
    page.get_by_role("button", name="Continue", exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == "Webhooks"


def test_two_sessions_in_one_browser_do_not_mix(stage: Stage, window: OpenWindow) -> None:
    page = window()
    mine = stage.enter(page)
    stage.enter(page, tenant="empty")
    expect(page.get_by_role("heading", name="No webhooks yet")).to_be_visible()
    page.goto(f"{mine}/webhooks")
    expect(page.get_by_role("link", name="Billing 0", exact=True)).to_be_visible()


CODE: tuple[str, ...] = (
    "document.body.innerHTML = '<b>x</b>'",
    "document.createElement('script').src = '/portal/assets/x.js'",
    "eval('1')",
    "new Function('return 1')",
    "setTimeout('1')",
    "trustedTypes.createPolicy('own', {createHTML: (text) => text})",
)


def test_nothing_makes_html_or_code_of_a_text(stage: Stage, window: OpenWindow) -> None:
    page = window()
    stage.enter(page)
    for code in CODE:
        # What is called later is the page's own doing, to which its policy applies.
        later = f"setTimeout(() => {{ try {{ {code}; done('') }} catch (error) {{ done(error.name) }} }})"
        assert page.evaluate(f"() => new Promise((done) => {later})") in {"TypeError", "EvalError"}, code


def framed(page: Page, host: str, link: str) -> None:
    page.goto(f"{host}/?frame={link.replace('#', '%23')}")


def test_in_the_frame_of_its_host_a_webhook_is_created_and_tested(stage: Stage, host: str, window: OpenWindow) -> None:
    page = window()
    framed(page, host, stage.link(*OF_FORMS, embed_origins=(host,)))
    inside = page.frame_locator("iframe")
    inside.get_by_role("link", name="New webhook", exact=True).click()
    inside.get_by_role("textbox", name="Endpoint URL", exact=True).fill("https://framed.example.com/hooks")
    inside.get_by_role("textbox", name="Name", exact=True).fill("Made in a frame")
    inside.get_by_role("button", name="Create webhook", exact=True).click()
    expect(inside.get_by_role("textbox", name="Secret", exact=True)).to_have_value(re.compile("whsec_"))
    inside.get_by_role("link", name="Send a test event", exact=True).click()
    inside.get_by_role("button", name="Send test event", exact=True).click()
    expect(inside.get_by_role("region", name="Result", exact=True)).to_contain_text("thanks")
    cookies = [each for each in page.context.cookies() if each["name"].startswith("__Host-hl-")]
    assert [(each["sameSite"], each["secure"], each["httpOnly"]) for each in cookies] == [("None", True, True)]
    heights = [data["px"] for origin, data in page.evaluate("told") if data["type"] == "hookline:height"]
    assert heights
    assert min(heights) > 200


def over(page: Page, stage: Stage) -> None:
    """The time of the sessions is over: here, and for the clock of the browser."""
    stage.portal.api.plane.portal_ending.end_all(OWNER)
    page.clock.fast_forward("01:00:02")


def test_the_page_of_the_documentation_shows_the_portal_and_opens_it_again_when_its_time_is_over(
    stage: Stage, site: Host, window: OpenWindow
) -> None:
    [block] = [block.text for block in markdown.blocks(markdown.ROOT / "docs" / "portal.md") if block.info == "html"]
    site.answers["/settings"] = lambda: block.replace("https://hooks.example.com", stage.base)
    site.answers["/settings/webhooks/link"] = lambda: stage.link(embed_origins=(site.origin,))
    page = window()
    page.clock.install()
    page.goto(f"{site.origin}/settings")
    inside = page.frame_locator("iframe")
    log = inside.get_by_role("link", name="Log", exact=True)
    expect(log).to_be_visible()
    expect(page.locator("iframe")).to_have_attribute("style", re.compile(r"^height: [0-9]{3,}px;$"))
    first = log.get_attribute("href")
    assert first is not None
    over(page, stage)
    expect(log).to_have_attribute("href", re.compile(f"^(?!{first})/portal/s/"))


def test_nobody_else_may_frame_it(stage: Stage, host: str, window: OpenWindow) -> None:
    page = window()
    with hosting() as other:
        framed(page, other.origin, stage.link(embed_origins=(host,)))
        page.wait_for_load_state("networkidle")
        assert all("/portal/s/" not in each.url for each in page.frames)
        framed(page, host, stage.link())
        page.wait_for_load_state("networkidle")
        assert page.frame_locator("iframe").get_by_role("navigation", name="Main").count() == 0


def test_a_session_that_has_ended_says_so_and_tells_its_host(stage: Stage, host: str, window: OpenWindow) -> None:
    page = window()
    page.clock.install()
    back = "https://app.example.com/settings/hooks"
    framed(page, host, stage.link(embed_origins=(host,), return_url=back))
    inside = page.frame_locator("iframe")
    expect(inside.get_by_role("heading", level=1, name="Webhooks")).to_be_visible()
    page.clock.fast_forward("58:30")
    expect(inside.get_by_text("This page ends within two minutes.")).to_be_visible()
    over(page, stage)
    page.wait_for_function("told.some(([origin, data]) => data.type === 'hookline:expired')")
    assert {origin for origin, _ in page.evaluate("told")} == {stage.base}
    expect(inside.get_by_role("heading", name="This page has timed out")).to_be_visible()
    expect(inside.get_by_role("link", name="Back to app.example.com")).to_have_attribute("href", back)


def test_what_was_typed_is_put_back_in_the_next_session(stage: Stage, host: str, window: OpenWindow) -> None:
    page = window()
    framed(page, host, stage.link(embed_origins=(host,), user="Ada"))
    inside = page.frame_locator("iframe")
    inside.get_by_role("link", name="New webhook", exact=True).click()
    name = inside.get_by_role("textbox", name="Name", exact=True)
    name.fill("Half written")
    inside.get_by_role("checkbox", name="order.paid", exact=True).check()
    inside.get_by_role("radio", name="Use my own", exact=True).check()
    inside.get_by_role("textbox", name="Own secret", exact=True).fill("a-secret-that-stays-nowhere-else")
    stage.portal.api.plane.portal_ending.end_all(OWNER)
    inside.get_by_role("link", name="Log", exact=True).click()
    expect(inside.get_by_role("heading", name="This page has timed out")).to_be_visible()
    renew = "link => { document.querySelector('iframe').src = link; }"
    page.evaluate(renew, stage.link(embed_origins=(host,), user="Ada"))
    inside.get_by_role("link", name="Go on", exact=True).click()
    expect(inside.get_by_text("What you had typed before the page timed out is here again.")).to_be_visible()
    expect(name).to_have_value("Half written")
    expect(inside.get_by_role("checkbox", name="order.paid", exact=True)).to_be_checked()
    expect(inside.get_by_role("checkbox", name="order.sent", exact=True)).not_to_be_checked()
    expect(inside.get_by_role("textbox", name="Own secret", exact=True)).to_have_value("")
    name.fill("Half written by Ada")
    page.evaluate(renew, stage.link(embed_origins=(host,), user="Eve"))
    inside.get_by_role("link", name="New webhook", exact=True).click()
    expect(name).to_have_value("")
    assert inside.get_by_role("link", name="Go on", exact=True).count() == 0


def test_a_frame_that_keeps_no_cookies_opens_a_window(stage: Stage, host: str, window: OpenWindow) -> None:
    page = window()

    def refusing(route: Route) -> None:
        """As a browser does that takes no cookies there."""
        answer = route.fetch(max_redirects=0)
        headers = {name: value for name, value in answer.headers.items() if name != "set-cookie"}
        route.fulfill(response=answer, headers=headers)

    page.route("**/portal/enter*", refusing)
    framed(page, host, stage.link(embed_origins=(host,)))
    inside = page.frame_locator("iframe")
    with page.context.expect_page() as opened:
        inside.get_by_role("button", name="Open in a new window", exact=True).click()
    expect(opened.value.get_by_role("heading", level=1, name="Webhooks")).to_be_visible()
