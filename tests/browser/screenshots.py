"""Pictures of the pages for docs/pages: python -m tests.browser.screenshots [NAME ...].

They are of the stage that tests look at, with made-up webhooks and a log. Each has at most 60 KB.
"""

import base64
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Page

from tests.browser.chromium import chromium
from tests.browser.stage import Stage, staged
from tests.memory_api import OPERATOR

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "pages"
MOST_BYTES: Final = 60_000
_QUALITIES: Final = (80, 65, 50, 35)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A page of the stage's, by its name there, and how it is looked at; without a name the operator's console."""

    page: str | None
    scheme: Literal["light", "dark"] = "light"
    width: int = 1280
    height: int = 860
    tenant: str = "acme"
    locale: str = "en-GB"


PICTURES: Final[Mapping[str, Picture]] = {
    "webhooks": Picture(page="webhooks"),
    "webhooks-dark": Picture(page="webhooks", scheme="dark"),
    "webhooks-phone": Picture(page="webhooks", width=390, height=844),
    "webhooks-none": Picture(page="webhooks", tenant="empty"),
    "new": Picture(page="new"),
    "edit": Picture(page="edit"),
    "webhook": Picture(page="webhook"),
    "german": Picture(page="failing webhook", locale="de-DE"),
    "activity": Picture(page="activity"),
    "rotate": Picture(page="rotate"),
    "delete": Picture(page="delete"),
    "suspended": Picture(page="suspended webhook"),
    "failing-phone": Picture(page="failing webhook", width=390, height=844),
    "stopped": Picture(page="stopped webhook"),
    "verify": Picture(page="verify"),
    "test": Picture(page="test"),
    "log": Picture(page="log"),
    "log-phone": Picture(page="log", width=390, height=844, scheme="dark"),
    "delivery": Picture(page="retrying"),
    "attempt": Picture(page="failed attempt"),
    "attempt-dark": Picture(page="attempt", scheme="dark"),
    "failed": Picture(page="failed"),
    "counted": Picture(page="counted"),
    "jobs": Picture(page="jobs"),
    "job": Picture(page="paused job"),
    "event-types": Picture(page="event types"),
    "keys": Picture(page="keys"),
    "console": Picture(page=None),
    "console-dark": Picture(page=None, scheme="dark"),
    "console-phone": Picture(page=None, width=390, height=844),
}


def main(names: Collection[str]) -> None:
    """Take these, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with staged() as stage, chromium() as browser:
        for name in names or PICTURES:
            taken = _taken(stage, browser, PICTURES[name])
            (FOLDER / f"{name}.webp").write_bytes(taken)
            print(f"{name}.webp: {len(taken):,} bytes", flush=True)  # noqa: T201 # its output is its purpose


def _taken(stage: Stage, browser: Browser, picture: Picture) -> bytes:
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
        locale=picture.locale,
        timezone_id="Europe/Paris",
    )
    page = context.new_page()
    if picture.page is None:
        _sign_in(page, stage)
    else:
        at = stage.enter(page, tenant=picture.tenant, user="Ada Lovelace")
        page.goto(f"{at}/{stage.paths()[picture.page]}")
    made = (_webp(page, quality) for quality in _QUALITIES)
    small = next((each for each in made if len(each) <= MOST_BYTES), None)
    assert small is not None, f"{picture} has more than {MOST_BYTES} bytes"
    context.close()
    return small


def _sign_in(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.base}/console")
    page.get_by_role("textbox", name="Operator key", exact=True).fill(OPERATOR)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("region", name="Lag", exact=True).wait_for()


def _webp(page: Page, quality: int) -> bytes:
    """What is to be seen, in Chromium's own WebP: Playwright offers none."""
    session = page.context.new_cdp_session(page)
    made = session.send("Page.captureScreenshot", {"format": "webp", "quality": quality})
    return base64.b64decode(made["data"])


if __name__ == "__main__":
    main(sys.argv[1:])
