"""The system's Chromium, driven by Playwright; and axe-core, read from the package that has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from tests.services.needs import find_browser

MISSING: Final = (
    "NO CHROMIUM: the pages are not tested in a browser here. make test-browser installs one where it may, "
    "and says elsewhere how to."
)
_ARGUMENTS: Final = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running one. Its sandbox is off: it opens pages of this test alone, and runs as root in CI."""
    found = find_browser()
    assert found is not None, MISSING
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@cache
def axe_source() -> str:
    """axe-core's script."""
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
