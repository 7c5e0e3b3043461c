"""What was sent is sent again, what is new comes by itself, and nothing moves under whoever reads."""

import re
from collections.abc import Iterator

import pytest
from msgspec import structs
from playwright.sync_api import Page, expect

from consumer.jobs.job import State
from tests.attempts import plain
from tests.browser.conftest import OpenWindow
from tests.browser.stage import SUSPENDED, Stage
from tests.browser.watch import watched
from tests.memory_api import OWNER

pytestmark = pytest.mark.browser


@pytest.fixture
def room(stage: Stage) -> Iterator[Stage]:
    """The stage without unfinished jobs, so that one more may be asked for."""
    before = dict(stage.portal.api.jobs.known)
    stage.portal.api.jobs.known.clear()
    yield stage
    stage.portal.api.jobs.known.clear()
    stage.portal.api.jobs.known.update(before)


def rows(page: Page) -> list[str]:
    found: list[str] = page.locator("#rows tbody a.row").evaluate_all("all => all.map((each) => each.href)")
    return found


def test_what_is_new_waits_behind_a_button(stage: Stage, window: OpenWindow) -> None:
    page = window()
    seen = watched(page, stage.base)
    stage.enter(page, begin="/log")
    page.get_by_role("switch", name="Live", exact=True).click()
    third = page.locator("#rows tbody a.row").nth(2)
    third.focus()
    before, top = rows(page), third.bounding_box()
    for _ in range(10):
        stage.portal.api.log.add(structs.replace(plain, event_type="just.now"))
    button = page.get_by_role("button", name=re.compile(r"^[\d,]+ new$"))
    expect(button).to_have_text("10 new")
    assert rows(page) == before
    assert third.bounding_box() == top
    assert third.evaluate("each => each === document.activeElement")
    button.click()
    assert len(rows(page)) == len(before) + 10
    assert page.locator("#rows tbody tr").nth(9).get_by_role("link", name="just.now").count() == 1
    expect(button).to_be_hidden()
    seen.assert_quiet("live")


def test_a_suspended_webhook_is_resumed_and_recovers(room: Stage, window: OpenWindow) -> None:
    page = window()
    at = room.enter(page)
    id_ = room.webhooks[SUSPENDED]
    page.goto(f"{at}/webhooks/{id_}")
    page.get_by_role("button", name="Resume and recover", exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == "Job"
    expect(page.get_by_role("progressbar", name="Progress", exact=True)).to_be_visible()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()  # by itself: the page is not loaded again
    expect(page.get_by_role("button", name="Pause job", exact=True)).to_be_hidden()
    assert room.portal.api.plane.webhooks.get(OWNER, id_).status == "active"
    room.portal.suspend(id_)


@pytest.mark.parametrize("scripted", [True, False])
def test_what_was_missed_is_counted_and_recovered(room: Stage, window: OpenWindow, scripted: bool) -> None:
    page = window()
    at = room.enter(page)
    if not scripted:
        page = page.context.browser.new_context(  # type: ignore[union-attr] # it has one
            storage_state=page.context.storage_state(), java_script_enabled=False
        ).new_page()
    page.goto(f"{at}/webhooks/{room.webhooks['CRM sync 2']}/recover")
    page.get_by_role("link", name="Last hour", exact=True).click()
    page.get_by_role("button", name="Count", exact=True).click()
    counted = page.get_by_role("region", name="Counted", exact=True)
    start = counted.get_by_role("button", name=re.compile(r"^Recover [\d,]+ event"))
    while not scripted and start.count() == 0:
        counted.get_by_role("link", name="Look again", exact=True).click()
    start.click()
    assert page.get_by_role("heading", level=1).inner_text() == "Job"
    [known] = room.portal.api.jobs.known.values()
    assert known.job.state in {State.RUNNING, State.DONE}
    page.get_by_role("region", name="Counts", exact=True).wait_for()
