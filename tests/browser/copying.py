"""A button that copies, and what it copied."""

from playwright.sync_api import Page, expect


def copied(page: Page, button: str) -> str:
    """Press the button of this name, and read the clipboard once the page says that it has it."""
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("status", name="Notices")).to_contain_text(f"✓ {button}")
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text
