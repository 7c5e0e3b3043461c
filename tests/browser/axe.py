"""axe-core on a page: WCAG 2.2 A and AA."""

from typing import Any, Final

from playwright.sync_api import Page

from tests.browser.chromium import axe_source

_TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_RUN: Final = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
  const where = (each) => each.nodes.map((node) => node.html.slice(0, 200)).join(" | ");
  return found.violations.map((each) => `${each.id}: ${each.help}: ${where(each)}`);
}"""


def violations(page: Page) -> list[str]:
    """What axe finds wrong with what the page shows now."""
    page.evaluate(axe_source() + ";0")
    found: Any = page.evaluate(_RUN, list(_TAGS))
    return list(found)
