"""A person with a keyboard only: whatever has focus is seen, and everything is reached."""

from typing import Any, Final

from playwright.sync_api import Locator, Page

_MOST_STOPS: Final = 150
_FOCUS: Final = """(wanted) => {
  const at = document.activeElement;
  if (!at || at === document.body) return ["", false];
  const drawn = [at, at.nextElementSibling].filter(Boolean).map((each) => getComputedStyle(each));
  const outlined = drawn.some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
  const box = at.getBoundingClientRect();
  const x = Math.min(innerWidth - 1, Math.max(0, box.left + Math.min(box.width / 2, 20)));
  const y = box.top + Math.min(box.height / 2, 20);
  const there = document.elementFromPoint(x, y);
  const seen = there && (at.contains(there) || there.contains(at) || at.labels?.[0]?.contains(there));
  const name = at.outerHTML.slice(0, 120);
  return [outlined ? (seen ? "" : `hidden: ${name}`) : `no outline: ${name}`, at === wanted];
}"""


def reach(page: Page, target: Locator) -> None:
    """Press Tab until it has focus. Fails when focus is not to be seen at a stop on the way."""
    wanted: Any = target.element_handle()
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        wrong, there = page.evaluate(_FOCUS, wanted)
        assert wrong == "", wrong
        if there:
            return
    raise AssertionError(f"Tab does not come to {target}")


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    """Go there and press it."""
    reach(page, target)
    page.keyboard.press(key)


def write(page: Page, target: Locator, text: str) -> None:
    """Go there and type."""
    reach(page, target)
    page.keyboard.type(text)
