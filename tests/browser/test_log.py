"""The log: filtered by its address, copied, downloaded, and never more than text."""

import hashlib
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from msgspec import structs
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow
from tests.browser.copying import copied
from tests.browser.stage import LARGE, Stage
from tests.browser.watch import watched

pytestmark = pytest.mark.browser


def statuses(page: Page) -> set[str]:
    cells = page.get_by_role("table", name="Deliveries").locator("tbody td:first-child").all_inner_texts()
    return {each.split("\n")[0].strip() for each in cells}


def test_filters_are_in_the_address(stage: Stage, window: OpenWindow) -> None:
    page = window()
    stage.enter(page, begin="/log")
    page.get_by_role("checkbox", name="Failed", exact=True).check()
    page.get_by_role("combobox", name="Answer", exact=True).select_option("No answer")
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page).to_have_url(re.compile("status=failed.*code=none"))
    assert statuses(page) == {"Failed"}
    page.reload()
    expect(page.get_by_role("checkbox", name="Failed", exact=True)).to_be_checked()
    page.get_by_role("table", name="Deliveries").get_by_role("link", name="order").first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "Delivery"
    page.go_back()
    expect(page.get_by_role("combobox", name="Answer", exact=True)).to_have_value("none")
    assert statuses(page) == {"Failed"}
    page.get_by_role("link", name="Clear filters", exact=True).click()
    assert "?" not in page.url
    assert statuses(page) > {"Failed"}


def test_pages_lead_on_and_back(stage: Stage, window: OpenWindow) -> None:
    page = window()
    stage.enter(page, begin="/log")
    pages = page.get_by_role("navigation", name="Pages", exact=True)
    rows = page.get_by_role("table", name="Deliveries").locator("tbody a.row")
    first = rows.evaluate_all("all => all.map((each) => each.href)")
    pages.get_by_role("link", name="Older", exact=True).click()
    second = rows.evaluate_all("all => all.map((each) => each.href)")
    assert second
    assert not {*first} & {*second}
    pages.get_by_role("link", name="Newer", exact=True).click()
    assert rows.evaluate_all("all => all.map((each) => each.href)") == first


def test_a_copied_command_sends_the_same_bytes(stage: Stage, window: OpenWindow, tmp_path: Path) -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/hooks?a=$HOME&b='x'"
        bodies = [stage.attempt("hostile").request_body, b"\x00\xff'\\\nEOF\n$(touch x)`id`\n"]
        for body in bodies:
            id_ = stage.portal.api.log.add(structs.replace(stage.attempt("hostile"), url=url, request_body=body))
            page = window(permissions=["clipboard-read", "clipboard-write"])
            at = stage.enter(page)
            page.goto(f"{at}/attempts/{id_}")
            command = copied(page, "Copy as curl")
            subprocess.run(["sh", "-c", command], check=True, cwd=tmp_path, timeout=30, capture_output=True)
        server.shutdown()
    assert [body for _, body in got] == bodies
    assert {headers["webhook-id"] for headers, _ in got} == {"orders-1-2-3"}
    assert list(tmp_path.iterdir()) == []


def test_hostile_content_is_text_everywhere(stage: Stage, window: OpenWindow) -> None:
    page = window()
    seen = watched(page, stage.base)
    at = stage.enter(page)
    evil = next(id_ for name, id_ in stage.webhooks.items() if name.startswith("<script>"))
    attempt = stage.attempt("hostile")
    for path in (
        "webhooks?page=2",
        f"webhooks/{evil}",
        f"webhooks/{evil}/edit",
        f"webhooks/{evil}/delete",
        f"webhooks/{evil}/test",
        "log",
        f"webhooks/{attempt.subscription_id}/deliveries/{attempt.delivery_id}",
        f"attempts/{stage.attempts['hostile']}",
        f"attempts/{stage.attempts['hostile']}?request=raw",
    ):
        page.goto(f"{at}/{path}")
        assert page.locator("main script, main img[src], main template, main [onload]").count() == 0, path
        seen.assert_quiet(path)
    body = page.get_by_role("group", name="Body of the request", exact=True)
    assert "<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}javascript:[U+202E]evil" in body.inner_text()
    expect(page.get_by_text("<svg onload=alert(1)>␛[31m")).to_be_visible()


def test_a_body_of_900_kib_makes_no_heavy_page(stage: Stage, window: OpenWindow) -> None:
    page = window()
    at = stage.enter(page)
    answer = page.goto(f"{at}/attempts/{stage.attempts['large']}")
    assert answer is not None
    assert len(answer.body()) <= 500_000
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download request body", exact=True).click()
    assert len(LARGE) == 900 * 1_024
    assert hashlib.sha256(coming.value.path().read_bytes()).digest() == hashlib.sha256(LARGE).digest()


def test_times_are_the_readers_own_until_he_wants_utc(stage: Stage, window: OpenWindow) -> None:
    page = window()
    at = stage.enter(page)
    page.goto(f"{at}/attempts/{stage.attempts['delivered']}")
    shown = page.get_by_role("main").locator("time").first
    iso = shown.get_attribute("datetime")
    assert iso is not None
    assert "UTC" not in shown.inner_text()
    with page.expect_response("**/look"):
        page.get_by_role("radiogroup", name="Times").get_by_role("radio", name="UTC").check()
    expect(shown).to_contain_text("UTC")
    with page.expect_response("**/look"):
        page.get_by_role("radiogroup", name="Theme").get_by_role("radio", name="Dark").check()
    page.reload()
    expect(page.get_by_role("radiogroup", name="Theme").get_by_role("radio", name="Dark")).to_be_checked()
    expect(shown).to_contain_text("UTC")


def test_how_long_ago_something_was_stays_true(stage: Stage, window: OpenWindow) -> None:
    page = window()
    page.clock.install()
    at = stage.enter(page)
    page.goto(f"{at}/{stage.delivery('retrying')}")
    about = page.get_by_role("region", name="About it", exact=True)
    expect(about).to_contain_text(re.compile("(s|min) ago"))
    page.clock.fast_forward("50:00")  # before the session ends, which loads the page again
    expect(about).to_contain_text(re.compile("5[0-9] min ago"))
