"""Pictures of the pages for docs/pages: python -m tests.browser.screenshots [NAME ...].

They are of the stage that tests look at, with made-up webhooks and a log. The two of the README show one page as it is;
each of the others shows its page light, dark, and on a phone in the dark.
"""

import base64
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

from playwright.sync_api import Browser, Page

from tests.browser.chromium import chromium
from tests.browser.stage import Stage, staged
from tests.memory_api import OPERATOR

Scheme: TypeAlias = Literal["light", "dark"]

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "pages"
MOST_BYTES: Final = 60_000
README: Final[Mapping[str, str]] = {"readme-webhooks": "webhooks", "readme-attempt": "failed attempt"}
"""By file: pages of the stage's, by their names there."""
SHEETS: Final[Mapping[str, str]] = {
    "webhooks": "webhooks",
    "webhooks-none": "none",
    "new": "new",
    "secret": "secret",
    "webhook": "webhook",
    "failing": "failing webhook",
    "suspended": "suspended webhook",
    "stopped": "stopped webhook",
    "edit": "edit",
    "rotate": "rotate",
    "delete": "delete",
    "verify": "verify",
    "activity": "activity",
    "test": "test",
    "log": "log",
    "log-nothing": "no match",
    "attempts": "attempts",
    "delivery": "retrying",
    "attempt": "failed attempt",
    "failed": "failed",
    "recover": "recover",
    "counted": "counted",
    "replay": "replay",
    "jobs": "jobs",
    "job": "paused job",
    "event-types": "event types",
    "event-type": "event type",
    "keys": "keys",
    "revoke": "revoke",
    "enter": "enter",
    "timed-out": "timed out",
    "nothing": "nothing",
    "console": "console",
    "console-sign-in": "console sign in",
    "console-open": "console open",
}
PICTURES: Final = (*README, *SHEETS)

_WIDE: Final = (1_280, 860)
_PHONE: Final = (390, 860)
_SHOTS: Final[tuple[tuple[Scheme, tuple[int, int]], ...]] = (("light", _WIDE), ("dark", _WIDE), ("dark", _PHONE))
_SMALLER: Final = 0.6
_GAP: Final = 16
_QUALITIES: Final = (80, 65, 50, 35)
_SHEET: Final = """<!doctype html><style>body {{ margin: 0; display: flex; gap: {gap}px; background: #8a8f98 }}
img {{ height: {height}px }}</style>{shots}"""


def main(names: Collection[str]) -> None:
    """Take these, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with staged() as stage, chromium() as browser:
        for name in names or PICTURES:
            if name in README:
                page = _opened(stage, browser, README[name], "light", _WIDE)
            else:
                page = _sheet(browser, [_png(stage, browser, SHEETS[name], *how) for how in _SHOTS])
            taken = _small(page, name)
            page.context.close()
            (FOLDER / f"{name}.webp").write_bytes(taken)
            print(f"{name}.webp: {len(taken):,} bytes", flush=True)  # noqa: T201 # its output is its purpose


def _png(stage: Stage, browser: Browser, name: str, scheme: Scheme, size: tuple[int, int]) -> bytes:
    page = _opened(stage, browser, name, scheme, size)
    taken = page.screenshot()
    page.context.close()
    return taken


def _sheet(browser: Browser, shots: Collection[bytes]) -> Page:
    """Pictures beside each other."""
    height = round(_WIDE[1] * _SMALLER)
    width = sum(round(size[0] * _SMALLER) for _, size in _SHOTS) + _GAP * (len(_SHOTS) - 1)
    page = browser.new_page(viewport={"width": width, "height": height})
    images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(each).decode()}">' for each in shots)
    page.set_content(_SHEET.format(gap=_GAP, height=height, shots=images))
    return page


def _opened(stage: Stage, browser: Browser, name: str, scheme: Scheme, size: tuple[int, int]) -> Page:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        locale="en-GB",
        timezone_id="Europe/Paris",
    )
    page = context.new_page()
    match name:
        case "enter":
            page.goto(f"{stage.base}/portal/enter")
        case "timed out":
            page.goto(f"{stage.base}/portal/s/{'0' * 36}/webhooks")
        case "console sign in":
            page.goto(f"{stage.base}/console")
        case "console" | "console open":
            _sign_in(page, stage)
            if name == "console open":
                page.get_by_role("button", name="Open as this tenant", exact=True).first.click()
        case "none":
            stage.enter(page, tenant="empty", user="Ada Lovelace")
        case _:
            at = stage.enter(page, user="Ada Lovelace")
            page.goto(f"{at}/{stage.paths()[name]}")
    return page


def _sign_in(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.base}/console")
    page.get_by_role("textbox", name="Operator key", exact=True).fill(OPERATOR)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("region", name="Lag", exact=True).wait_for()


def _small(page: Page, name: str) -> bytes:
    """What is to be seen, in Chromium's own WebP: Playwright offers none."""
    session = page.context.new_cdp_session(page)
    for quality in _QUALITIES:
        made = session.send("Page.captureScreenshot", {"format": "webp", "quality": quality})
        if len(taken := base64.b64decode(made["data"])) <= MOST_BYTES:
            return taken
    raise AssertionError(f"{name} has more than {MOST_BYTES} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
