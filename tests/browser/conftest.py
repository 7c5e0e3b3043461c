"""One Chromium and one stage for all of these tests; a window of its own for each."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import MISSING, chromium
from tests.browser.host import Host, hosting
from tests.browser.stage import Stage, staged
from tests.services.needs import find_browser

OpenWindow: TypeAlias = Callable[..., Page]

# Of a machine that has much else to do.
PATIENCE_MS: Final = 30_000
expect.set_options(timeout=PATIENCE_MS)

_DEFAULTS: Final = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", "timezone_id": "Europe/Paris"}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if find_browser() is None:
        pytest.skip(MISSING)
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def site() -> Iterator[Host]:
    """A company's site, which may have the portal in a frame."""
    with hosting() as served:
        yield served


@pytest.fixture(scope="session")
def host(site: Host) -> str:
    """Its origin."""
    return site.origin


@pytest.fixture(scope="session")
def stage(host: str) -> Iterator[Stage]:
    with staged(embed_origins=(host,)) as served:
        yield served


@pytest.fixture
def window(browser: Browser) -> Iterator[OpenWindow]:
    """Opens windows, each with cookies of its own; a test says how they are: width, colours, script."""
    opened: list[BrowserContext] = []

    def open_(**how: Any) -> Page:  # noqa: ANN401 # Playwright's options
        context = browser.new_context(**{**_DEFAULTS, **how})
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        return context.new_page()

    yield open_
    for each in opened:
        each.close()
