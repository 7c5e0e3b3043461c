"""A page as tests look at it: by roles and names, as people who use a screen reader find things."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_SECTIONS: Final = ("section", "nav", "form", "fieldset", "table", "ol", "svg")
_ROLES: Final = {
    "a": "link", "button": "button", "nav": "navigation", "main": "main", "header": "banner", "table": "table",
    "section": "region", "select": "combobox", "textarea": "textbox", "fieldset": "group", "ol": "list",
    "dialog": "dialog", "progress": "progressbar",
}  # fmt: skip
_INPUTS: Final = {
    "checkbox": "checkbox", "radio": "radio", "search": "searchbox", "number": "spinbutton", "hidden": "",
}  # fmt: skip


@dataclass(slots=True)
class Node:
    """An element."""

    tag: str
    attributes: dict[str, str]
    children: list["Node | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that stands in it, white space made one."""
        return " ".join("".join(self._texts()).split())

    @property
    def raw(self) -> str:
        """The same as it stands there."""
        return "".join(self._texts())

    def _texts(self) -> list[str]:
        return [text for each in self.children for text in ([each] if isinstance(each, str) else each._texts())]

    def all(self, tag: str | None = None) -> list["Node"]:
        """Every element in it, in order."""
        found: list[Node] = []
        for each in self.children:
            if isinstance(each, Node):
                found += ([each] if tag in {None, each.tag} else []) + each.all(tag)
        return found

    @property
    def role(self) -> str:
        if "role" in self.attributes:
            return self.attributes["role"]
        if self.tag == "input":
            kind = self.attributes.get("type", "text")
            return "combobox" if "list" in self.attributes else _INPUTS.get(kind, "textbox")
        return _ROLES.get(self.tag, "")


class Page(Node):
    """The document."""

    @property
    def h1(self) -> str:
        return self.all("h1")[0].text

    @property
    def visible(self) -> str:
        return next(iter(self.all("body"))).text

    def name(self, node: Node) -> str:
        """The accessible name, by the rules that our pages use."""
        if "aria-label" in node.attributes:
            return node.attributes["aria-label"]
        if "aria-labelledby" in node.attributes:
            return self.by_id(node.attributes["aria-labelledby"]).text
        if node.tag == "table":
            return next((each.text for each in node.all("caption")), "")
        if node.tag == "fieldset":
            return next((each.text for each in node.all("legend")), "")
        if node.tag in {"input", "select", "textarea"}:
            return self._label(node)
        return "" if node.tag in _SECTIONS else node.text

    def find(self, role: str, name: str | None = None) -> list[Node]:
        """What has this role and this name."""
        return [each for each in self.all() if each.role == role and name in {None, self.name(each)}]

    def one(self, role: str, name: str) -> Node:
        found = self.find(role, name)
        assert len(found) == 1, (role, name, len(found), [self.name(each) for each in self.find(role)])
        return found[0]

    def by_id(self, id_: str) -> Node:
        return next(each for each in self.all() if each.attributes.get("id") == id_)

    def form(self, action: str) -> dict[str, str | list[str]]:
        """What a browser would send of the form with this action, as it stands."""
        form = next(each for each in self.all("form") if each.attributes.get("action") == action)
        found: dict[str, list[str]] = {}
        for each in form.all():
            name, kind = each.attributes.get("name"), each.attributes.get("type", "text")
            if name is None or each.tag not in {"input", "select", "textarea"}:
                continue
            if kind in {"checkbox", "radio"} and "checked" not in each.attributes:
                continue
            found.setdefault(name, []).append(_value(each))
        return {name: values if len(values) > 1 else values[0] for name, values in found.items()}

    def _label(self, node: Node) -> str:
        for label in self.all("label"):
            if label.attributes.get("for") == node.attributes.get("id", "-") or node in label.all():
                return label.text
        return ""


def _value(node: Node) -> str:
    match node.tag:
        case "textarea":
            return node.raw.removeprefix("\n")
        case "select":
            options = node.all("option")
            chosen = next((each for each in options if "selected" in each.attributes), options[0])
            return chosen.attributes.get("value", chosen.text)
        case _:
            return node.attributes.get("value", "")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page(tag="document", attributes={})
        self._open: list[Node] = [self.page]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag=tag, attributes={name: value or "" for name, value in attrs})
        assert len(node.attributes) == len(attrs), f"an attribute twice: {attrs}"
        self._open[-1].children.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def read(html: str) -> Page:
    """The page. What is not well-formed fails."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader._open) == 1, [each.tag for each in reader._open]
    return reader.page
