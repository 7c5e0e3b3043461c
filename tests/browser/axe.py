"""axe-core on a page: WCAG 2.2 A and AA."""

from typing import Any, Final

from playwright.sync_api import Page

from tests.browser.chromium import axe_source

COLOURS: Final = "color-contrast"
"""The one rule that looks at what a scheme changes."""
_TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_RUN: Final = """async (only) => {
  const found = await axe.run(document, {runOnly: only, resultTypes: ["violations"]});
  const where = (each) => each.nodes.map((node) => node.html.slice(0, 200)).join(" | ");
  return found.violations.map((each) => `${each.id}: ${each.help}: ${where(each)}`);
}"""


def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds wrong with what the page shows now: by these rules, or by all."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe_source() + ";0")
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": list(_TAGS)}
    found: Any = page.evaluate(_RUN, only)
    return list(found)


def in_both_schemes(page: Page) -> list[str]:
    """The same, light and dark: what does not depend on colours is looked at once, and no colour is on its way."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = [f"light: {each}" for each in violations(page)]
    page.emulate_media(color_scheme="dark")
    return found + [f"dark: {each}" for each in violations(page, COLOURS)]
