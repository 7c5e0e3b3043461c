"""A person at the pages, who finds everything by what it is called: follows links, fills in fields, presses buttons."""

from collections.abc import Mapping
from typing import Final

import httpx2

from tests.html import Node, Page, read
from tests.memory_portal import Browser

_TEXTS: Final = ("textbox", "searchbox", "spinbutton", "combobox")


class Person:
    """Looks at one page at a time; `page` is what is seen now."""

    def __init__(self, browser: Browser, at: str = "webhooks") -> None:
        self._browser = browser
        self._filled: dict[str, str | list[str]] = {}
        self._seen(browser.get(at))

    def opens(self, name: str) -> "Person":
        """Follow the link of this name: the first one, where the navigation has it too."""
        self._goes(self.page.find("link", name)[0].attributes["href"])
        return self

    def fills_in(self, name: str, text: str) -> "Person":
        """The field of this name."""
        field = next(each for role in _TEXTS for each in self.page.find(role, name))
        self._filled[field.attributes["name"]] = text
        return self

    def picks(self, *names: str, among: str) -> "Person":
        """These of the checkboxes in this group, and no others."""
        boxes = [each for each in self.page.one("group", among).all("input") if each.role == "checkbox"]
        for field in {each.attributes["name"] for each in boxes}:
            chosen = [each for each in boxes if each.attributes["name"] == field and self.page.name(each) in names]
            self._filled[field] = [each.attributes["value"] for each in chosen]
        assert sum(len(each) for each in self._filled.values() if isinstance(each, list)) >= len(names)
        return self

    def presses(self, name: str, role: str = "button") -> "Person":
        """The one button of this name, or the switch: what was filled in is sent with its form."""
        button = self.page.one(role, name)
        form = next(each for each in self.page.all("form") if button in each.all())
        fields = _fields(self.page, form) | {name: value for name, value in self._filled.items() if value != []}
        for field in [name for name, value in self._filled.items() if value == []]:
            fields.pop(field, None)
        action = form.attributes["action"]
        if form.attributes.get("method") != "post":
            answer = self._browser.client.get(action, params=dict(fields), follow_redirects=False)
        else:
            answer = self._browser.post(action.removeprefix(self._browser.base + "/"), fields)
        self._seen(answer)
        return self

    def sees(self, *texts: str, region: str | None = None) -> "Person":
        """All of these, on the page or in one region of it."""
        shown = self.page.visible if region is None else self.page.one("region", region).text
        assert [each for each in texts if each not in shown] == [], shown
        return self

    def fact(self, name: str) -> str:
        """What stands beside this in a list of facts."""
        [term] = [each for each in self.page.all("div") if [of.text for of in each.all("dt")] == [name]]
        return term.all("dd")[0].text

    def rows(self, table: str) -> list[Mapping[str, str]]:
        """The rows of the table of this name, by their columns."""
        lines = self.page.one("table", table).all("tr")
        columns = [each.text for each in lines[0].all("th")]
        return [dict(zip(columns, (cell.text for cell in line.all("td")), strict=True)) for line in lines[1:]]

    def _goes(self, url: str) -> None:
        self._seen(self._browser.client.get(url, follow_redirects=False))

    def _seen(self, answer: httpx2.Response) -> None:
        self._filled = {}
        if answer.status_code == 303:
            self._goes(answer.headers["location"])
            return
        # 409: it is asked whether it is meant all the same; 503: it is to be tried again in a moment.
        assert answer.status_code in {200, 409, 503}, (answer.status_code, answer.text[-800:])
        self.page = read(answer.text)


def _fields(page: Page, form: Node) -> dict[str, str | list[str]]:
    alone = Page(tag="document", attributes={}, children=[form])
    assert form in page.all("form")
    return alone.form(form.attributes["action"])
