"""What a page does that it must not: told by the browser itself."""

from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Dialog, Page, Request


@dataclass
class Watched:
    """What was seen of a window: errors of its console, dialogs, and requests to anybody but `base`.

    It has no slots: Playwright writes on whatever has the methods that it is given.
    """

    base: str
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def assert_quiet(self, where: str) -> None:
        """Nothing of it happened."""
        assert (self.errors, self.dialogs, self.foreign) == ([], [], []), where

    def said(self, message: ConsoleMessage) -> None:
        """An answer that is meant to be an error is none of the page's."""
        if message.type in {"error", "warning"} and "the server responded with a status of" not in message.text:
            self.errors.append(message.text)

    def asked(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def requested(self, request: Request) -> None:
        if not request.url.startswith(f"{self.base}/"):
            self.foreign.append(request.url)


def watched(page: Page, base: str) -> Watched:
    """Watch from now on."""
    seen = Watched(base)
    page.on("console", seen.said)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("dialog", seen.asked)
    page.on("request", seen.requested)
    return seen
