"""A customer's webhooks: created, tested, mended, with a mouse, with a keyboard only, and without script."""

import re

import pytest
from playwright.sync_api import Page, expect

from consumer.control.trial import Trial
from tests.browser.conftest import OpenWindow
from tests.browser.copying import copied
from tests.browser.keyboard import press, reach, write
from tests.browser.stage import OF_FORMS, Stage

pytestmark = pytest.mark.browser
_ALL = """document.documentElement.outerHTML
  + [...document.querySelectorAll("input, textarea")].map((each) => each.value)"""
SHOWN_ONCE = "The secret was shown once. If it is lost, make a new one."


def create(page: Page, url: str, *types: str, name: str = "") -> None:
    page.get_by_role("link", name="New webhook", exact=True).first.click()
    page.get_by_role("textbox", name="Endpoint URL", exact=True).fill(url)
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    for each in types:
        page.get_by_role("group", name="Event types").get_by_role("checkbox", name=each, exact=True).check()
    page.get_by_role("button", name="Create webhook", exact=True).click()


def test_a_webhook_is_created_with_two_types_and_tested(stage: Stage, window: OpenWindow) -> None:
    page = window()
    stage.enter(page, *OF_FORMS)
    create(page, "https://two.example.com/hooks", "webhook.test", "webhook.suspended", name="Two types")
    assert page.get_by_role("heading", level=1).inner_text() == "Keep this secret"
    expect(page.get_by_role("checkbox", name="All event types", exact=True)).to_have_count(0)
    page.get_by_role("checkbox", name="I have stored the secret", exact=True).check()
    page.get_by_role("link", name="Send a test event", exact=True).click()
    page.get_by_role("button", name="Send test event", exact=True).click()
    result = page.get_by_role("region", name="Result", exact=True)
    expect(result).to_contain_text("200")
    expect(result).to_contain_text("thanks")
    page.get_by_role("link", name="Two types", exact=True).click()
    settings = page.get_by_role("region", name="Settings", exact=True)
    expect(settings).to_contain_text("webhook.test")
    expect(settings).to_contain_text("webhook.suspended")
    expect(settings).not_to_contain_text("All event types")


def test_a_secret_is_shown_once(stage: Stage, window: OpenWindow) -> None:
    page = window(permissions=["clipboard-read", "clipboard-write"])
    stage.enter(page, *OF_FORMS)
    create(page, "https://once.example.com/hooks", name="Once")
    secret = page.get_by_role("textbox", name="Secret", exact=True).input_value()
    assert secret.startswith("whsec_")
    assert copied(page, "Copy secret") == secret
    page.reload()
    expect(page.get_by_text(SHOWN_ONCE)).to_be_visible()
    page.get_by_role("link", name="Done", exact=True).click()
    for _ in range(3):
        assert secret not in page.evaluate(
            "document.documentElement.outerHTML + [...document.querySelectorAll('input')].map((each) => each.value)"
        )
        page.go_back()
    page.go_forward()
    page.go_forward()
    assert secret not in page.evaluate(_ALL)


def test_a_wrong_url_is_told_at_its_field(stage: Stage, window: OpenWindow) -> None:
    page = window()
    stage.enter(page, *OF_FORMS)
    create(page, "http://plain.example.com/hooks")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("https")
    alert.get_by_role("link", name="Endpoint URL").click()
    field = page.get_by_role("textbox", name="Endpoint URL", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("https"))
    expect(field).to_have_value("http://plain.example.com/hooks")


def test_a_field_that_cannot_be_is_told_at_once_and_the_preview_follows(stage: Stage, window: OpenWindow) -> None:
    page = window()
    stage.enter(page, *OF_FORMS, begin="/webhooks/new")
    url = page.get_by_role("textbox", name="Endpoint URL", exact=True)
    preview = page.get_by_role("region", name="Preview", exact=True)
    url.fill("http://plain.example.com/hooks")
    page.keyboard.press("Tab")
    expect(url).to_have_accessible_description(re.compile("https"))
    expect(url).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("status", name="Notices")).to_contain_text("https")
    assert page.get_by_role("alert").count() == 0
    url.fill("https://fine.example.com/hooks")
    page.get_by_text("More", exact=True).first.click()
    page.get_by_role("combobox", name="Signing", exact=True).select_option("HMAC-SHA256, hex")
    expect(preview).to_contain_text("X-Hookline-Signature")
    expect(url).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("textbox", name="Filter", exact=True).fill('{"no_such": [1]}')
    page.get_by_role("textbox", name="Header name", exact=True).focus()
    expect(preview).to_contain_text("The filter stops this sample.")
    page.get_by_role("textbox", name="Filter", exact=True).fill("{")
    page.get_by_role("textbox", name="Header name", exact=True).focus()
    expect(page.get_by_role("textbox", name="Filter", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(url).to_have_value("https://fine.example.com/hooks")
    expect(page).to_have_url(re.compile("/webhooks/new$"))


def test_types_are_found_and_previewed(stage: Stage, window: OpenWindow) -> None:
    page = window()
    stage.enter(page, *OF_FORMS)
    page.get_by_role("link", name="New webhook", exact=True).click()
    page.get_by_role("textbox", name="Endpoint URL", exact=True).fill("https://preview.example.com/hooks")
    preview = page.get_by_role("region", name="Preview", exact=True)
    preview.get_by_role("combobox", name="Sample event", exact=True).select_option("webhook.suspended")
    expect(page.get_by_role("region", name="Preview", exact=True)).to_contain_text('"webhook.suspended"')
    expect(page.get_by_role("textbox", name="Endpoint URL", exact=True)).to_have_value(
        "https://preview.example.com/hooks"
    )


def test_a_failing_endpoint_is_explained(stage: Stage, window: OpenWindow) -> None:
    page = window()
    at = stage.enter(page, *OF_FORMS)
    page.get_by_role("link", name="Billing 0", exact=True).click()
    expect(page.get_by_text("Failing", exact=True).first).to_be_visible()
    wrong = page.get_by_role("region", name="What is wrong", exact=True)
    expect(wrong).to_contain_text("503")
    expect(wrong).to_contain_text(re.compile("Failing since .*20"))
    page.goto(f"{at}/attempts/{stage.attempts['failed']}")
    why = page.get_by_role("region", name="Why it failed", exact=True)
    expect(why).to_contain_text("The server in front could not reach the endpoint")
    assert why.get_by_role("listitem").count() >= 1


def test_the_keyboard_alone_is_enough(stage: Stage, window: OpenWindow) -> None:
    page = window()
    stage.enter(page, *OF_FORMS)
    press(page, page.get_by_role("link", name="New webhook", exact=True))
    write(page, page.get_by_role("textbox", name="Endpoint URL", exact=True), "https://keys.example.com/hooks")
    write(page, page.get_by_role("textbox", name="Name", exact=True), "By keyboard")
    press(page, page.get_by_role("button", name="Create webhook", exact=True))
    press(page, page.get_by_role("link", name="Done", exact=True))
    assert page.get_by_role("heading", level=1).inner_text() == "By keyboard"
    switch = page.get_by_role("switch", name="Active", exact=True)
    press(page, switch, "Space")
    expect(page.get_by_role("switch", name="Active", exact=True)).not_to_be_checked()
    press(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="Log", exact=True))
    press(page, page.get_by_role("checkbox", name="Failed", exact=True), "Space")
    press(page, page.get_by_role("button", name="Apply", exact=True))
    expect(page).to_have_url(re.compile("status=failed"))
    press(page, page.get_by_role("table", name="Deliveries").get_by_role("link", name="order.paid").first)
    press(page, page.get_by_role("list", name="Attempts").get_by_role("link").first)
    reach(page, page.get_by_role("button", name="Copy as curl", exact=True))


def test_shortcuts_move_and_can_be_switched_off(stage: Stage, window: OpenWindow) -> None:
    page = window()
    stage.enter(page, *OF_FORMS)
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url(re.compile("/log$"))
    page.keyboard.press("j")
    page.keyboard.press("j")
    rows = page.get_by_role("table", name="Deliveries").get_by_role("row")
    expect(rows.nth(2).get_by_role("link").first).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(1).get_by_role("link").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Find by id or text", exact=True)).to_be_focused()
    page.get_by_role("button", name="Keyboard shortcuts", exact=True).click()
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    dialog.get_by_role("checkbox", name="Switch shortcuts off").check()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.reload()
    page.keyboard.press("j")
    expect(
        page.get_by_role("table", name="Deliveries").get_by_role("row").nth(1).get_by_role("link").first
    ).not_to_be_focused()


def test_without_script_a_webhook_is_created_tested_and_found_in_the_log(stage: Stage, window: OpenWindow) -> None:
    page = window(java_script_enabled=False)
    page.goto(stage.link(*OF_FORMS).replace("#", "?link="))
    page.get_by_role("button", name="Continue", exact=True).click()
    create(page, "https://plain.example.com/hooks", "webhook.test", name="Without script")
    assert page.get_by_role("textbox", name="Secret", exact=True).input_value().startswith("whsec_")
    assert page.get_by_role("button", name="Copy secret").count() == 0
    page.get_by_role("link", name="Send a test event", exact=True).click()
    page.get_by_role("button", name="Send test event", exact=True).click()
    assert "thanks" in page.get_by_role("region", name="Result", exact=True).inner_text()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Log", exact=True).click()
    page.get_by_role("checkbox", name="Failed", exact=True).check()
    with page.expect_navigation():
        page.get_by_role("button", name="Apply", exact=True).click()
    statuses = (
        page.get_by_role("table", name="Deliveries").get_by_role("row").locator("td:first-child").all_inner_texts()
    )
    assert statuses
    assert {each.strip().splitlines()[-1] for each in statuses} == {"Failed"}


def test_what_an_endpoint_answers_is_text(stage: Stage, window: OpenWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    trial = Trial(
        event_id="t", event_type="webhook.test", status=500, body=evil.encode(), truncated=False,
        error="the endpoint answered 500", elapsed_ms=3.0, attempt_id=None,
    )  # fmt: skip
    monkeypatch.setattr(stage.portal.api.plane, "trial", lambda *_: trial)
    page = window()
    at = stage.enter(page, *OF_FORMS)
    page.goto(f"{at}/webhooks/{stage.webhooks['CRM sync 2']}/test")
    page.get_by_role("button", name="Send test event", exact=True).click()
    expect(page.get_by_role("region", name="Result", exact=True).get_by_text(evil)).to_be_visible()
