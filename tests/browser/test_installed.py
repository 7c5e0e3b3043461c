"""The pages of a whole installation: real Kafka, real Redis, every role, endpoints that fail and are mended."""

import json
import re
import secrets
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from playwright.sync_api import Page, expect
from standardwebhooks import Webhook

from tests import markdown
from tests.acceptance.api import url_of
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening
from tests.acceptance.stage import Stage
from tests.browser.conftest import OpenWindow
from tests.browser.copying import copied
from tests.browser.endpoints import Came, Endpoints, endpoints
from tests.services import shared

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("installed")]
WITHIN_S = 60.0
ORDER_PAID = "order.paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Hookline, as it runs; and a customer's endpoints."""

    stage: Stage
    endpoints: Endpoints
    url: str

    def enter(self, page: Page) -> None:
        """Open the pages of acme."""
        page.goto(self.stage.command("portal", "link", "--tenant", "acme").strip())
        page.wait_for_url(re.compile("/portal/s/"))

    def publish(self, number: int, *, first: int = 0, type_: str = ORDER_PAID) -> None:
        """Events of acme's."""
        with self.stage.publisher() as publisher:
            publisher.publish([Happening(n=first + n, tenant="acme", type=type_) for n in range(number)])

    def reached(self, path: str) -> None:
        """Publish until one comes: from then on each that is published does."""
        until_s = time.monotonic() + WITHIN_S
        while not self.endpoints.at(path):
            assert time.monotonic() < until_s, f"nothing comes to {path}"
            self.publish(1, type_="first.of.all")
            self.endpoints.awaited(path, within_s=2)

    def orders(self, path: str) -> list[Came]:
        """What came there of what a test is about."""
        return [each for each in self.endpoints.at(path) if json.loads(each.body)["type"] == ORDER_PAID]

    def orders_from(self, path: str, first: int, number: int) -> list[Came]:
        """The same, from the one of this number on, once so many of them have come: a job writes, and others send."""
        until(
            lambda: len(self.orders(path)) - first >= number,
            within_s=WITHIN_S,
            missing=lambda: f"{len(self.orders(path)) - first} of {number} came to {path}",
        )
        return self.orders(path)[first:]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder, redis_url = tmp_path_factory.mktemp("installed"), shared.ask("redis")
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    options = {
        "HOOKLINE_API_LISTEN": f"127.0.0.1:{port}",
        "HOOKLINE_PORTAL_URL": f"http://localhost:{port}",
        "HOOKLINE_RETRY_DELAYS": "1s,3s",
        "HOOKLINE_SUSPEND_AFTER": "3s",
        "HOOKLINE_SUSPEND_ATTEMPTS": "6",
    }
    with pytest.MonkeyPatch.context() as patch:
        stage = Stage.build(
            folder,
            patch,
            bootstrap=shared.ask("kafka"),
            redis_url=redis_url,
            prefix=f"t{secrets.token_hex(4)}.",
            options=options,
        )
        with endpoints() as served, stage.running("--processes", "1") as running:
            url_of(running, within_s=120)
            running.assigned("deliver", within_s=120)
            yield Installed(stage=stage, endpoints=served, url=f"http://localhost:{port}")


def create(page: Page, url: str, name: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Webhooks", exact=True).click()
    page.get_by_role("link", name="New webhook", exact=True).first.click()
    page.get_by_role("textbox", name="Endpoint URL", exact=True).fill(url)
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("button", name="Create webhook", exact=True).click()
    expect(page.get_by_role("textbox", name="Secret", exact=True)).to_have_value(re.compile("whsec_"))


def loaded_until(page: Page, done: Callable[[], bool]) -> None:
    """Load the page again until it shows what is awaited."""
    until_s = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < until_s, page.get_by_role("main").inner_text()
        time.sleep(0.3)
        page.reload()


def timeless(body: str | bytes) -> Any:  # noqa: ANN401 # JSON
    """A body but for its times and ids."""
    read = json.loads(body)
    return {name: value for name, value in read.items() if name not in {"id", "timestamp"}}


def test_a_preview_is_what_an_endpoint_gets(installed: Installed, window: OpenWindow) -> None:
    page = window()
    installed.enter(page)
    page.get_by_role("link", name="New webhook", exact=True).first.click()
    preview = page.get_by_role("region", name="Preview", exact=True)
    preview.get_by_role("combobox", name="Sample event", exact=True).select_option("webhook.suspended")
    expect(preview).to_contain_text('"webhook.suspended"')
    shown = page.get_by_role("group", name="Body of the sample", exact=True).inner_text()
    create(page, f"{installed.endpoints.base}/preview", "Preview")
    page.get_by_role("link", name="Send a test event", exact=True).click()
    page.get_by_role("combobox", name="Event type", exact=True).fill("webhook.suspended")
    page.get_by_role("button", name="Send test event", exact=True).click()
    result = page.get_by_role("region", name="Result", exact=True)
    expect(result).to_contain_text("200")
    expect(result).to_contain_text('"received": true')
    (came,) = installed.endpoints.at("/preview")
    assert timeless(shown) == timeless(came.body)
    assert came.headers["webhook-signature"].startswith("v1,")
    result.get_by_role("link", name="See the whole attempt", exact=True).click()
    expect(page.get_by_role("region", name="Timing", exact=True)).to_contain_text("ms")


def test_a_failing_endpoint_is_told_of_with_what_to_do(installed: Installed, window: OpenWindow) -> None:
    page = window()
    installed.enter(page)
    create(page, f"{installed.endpoints.base}/failing", "Fails")
    page.get_by_role("link", name="Done", exact=True).click()
    installed.reached("/failing")
    installed.endpoints.answers["/failing"] = (503, b"<script>alert(1)</script>")
    installed.publish(1)
    wrong = page.get_by_role("region", name="What is wrong", exact=True)
    loaded_until(page, lambda: wrong.count() == 1 and "last 3 requests" in wrong.inner_text())
    expect(wrong).to_contain_text("503")
    expect(wrong).to_contain_text("Failing since")
    expect(page.get_by_text("Failing", exact=True).first).to_be_visible()
    page.get_by_role("table", name="Latest deliveries").get_by_role("link", name="order.paid").first.click()
    tries = page.get_by_role("list", name="Attempts", exact=True).get_by_role("listitem")
    loaded_until(page, lambda: tries.count() == 3)
    tries.last.get_by_role("link").click()
    why = page.get_by_role("region", name="Why it failed", exact=True)
    expect(why).to_contain_text("The server in front could not reach the endpoint")
    assert why.get_by_role("listitem").count() >= 1
    expect(page.get_by_text("<script>alert(1)</script>")).to_be_visible()


def test_what_was_sent_is_sent_again_by_the_copied_command(
    installed: Installed, window: OpenWindow, tmp_path: Path
) -> None:
    page = window(permissions=["clipboard-read", "clipboard-write"])
    installed.enter(page)
    create(page, f"{installed.endpoints.base}/copied", "Copied")
    page.get_by_role("link", name="Done", exact=True).click()
    installed.reached("/copied")
    installed.publish(1, first=100)
    row = page.get_by_role("table", name="Latest deliveries").get_by_role("link", name="order.paid")
    loaded_until(page, lambda: row.count() == 1)
    row.click()
    page.get_by_role("list", name="Attempts", exact=True).get_by_role("link").first.click()
    command = copied(page, "Copy as curl")
    subprocess.run(["sh", "-c", command], check=True, cwd=tmp_path, timeout=60, capture_output=True)
    first, second = installed.orders("/copied")
    assert (second.body, second.headers["webhook-id"]) == (first.body, first.headers["webhook-id"])
    assert second.headers["content-type"] == first.headers["content-type"]


def test_a_suspended_webhook_is_mended_resumed_and_gets_all_that_it_missed(
    installed: Installed, window: OpenWindow
) -> None:
    page = window()
    installed.enter(page)
    create(page, f"{installed.endpoints.base}/mended", "Mended")
    secret = page.get_by_role("textbox", name="Secret", exact=True).input_value()
    page.get_by_role("link", name="Done", exact=True).click()
    installed.reached("/mended")
    installed.endpoints.answers["/mended"] = (500, b"out of paper")
    installed.publish(4, first=200)
    again = page.get_by_role("button", name="Resume and recover", exact=True)
    loaded_until(page, lambda: again.count() == 1)
    installed.publish(3, first=300)
    failed = len(installed.orders("/mended"))
    del installed.endpoints.answers["/mended"]
    page.get_by_role("region", name="What is wrong").get_by_role("link", name="Send a test event").click()
    page.get_by_role("button", name="Send test event", exact=True).click()
    expect(page.get_by_role("region", name="Result", exact=True)).to_contain_text("Accepted")
    page.get_by_role("link", name="Mended", exact=True).click()
    again.click()
    assert page.get_by_role("heading", level=1).inner_text() == "Job"
    done = page.get_by_role("main").get_by_text("Done", exact=True)
    loaded_until(page, lambda: done.count() > 0)
    came = installed.orders_from("/mended", failed, 7)
    assert sorted(json.loads(each.body)["data"]["n"] for each in came) == [*range(200, 204), *range(300, 303)]
    for each in came:
        Webhook(secret).verify(each.body, each.headers)


def test_the_commands_of_the_documentation_do_what_it_says(installed: Installed, window: OpenWindow) -> None:
    text = (markdown.ROOT / "docs" / "portal.md").read_text("utf-8")
    opening, making, revoking = (
        shlex.split(each) for each in re.findall("hookline ((?:portal|keys) [a-z]+ --[^`\n]+)", text)
    )
    assert opening[-1] == "--open"
    page = window()
    page.goto(installed.stage.command(*opening[:-1]).strip())
    expect(page.get_by_role("heading", level=1, name="Webhooks", exact=True)).to_be_visible()
    [key] = re.findall(r"\bhk_\w+", installed.stage.command(*making))
    made = httpx.post(
        f"{installed.url}/v1/portal-links",
        json={"user": "Ada", "page": "/webhooks/new"},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    ).json()
    other = window()
    other.goto(made["url"])
    expect(other.get_by_role("heading", level=1, name="New webhook", exact=True)).to_be_visible()
    installed.stage.command(*revoking)
    for each in (page, other):
        each.reload()
        expect(each.get_by_role("heading", level=1, name="This page has timed out", exact=True)).to_be_visible()
