"""What the documentation's tests need of Markdown: the pages, their fenced blocks, links and headings."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: the words after its fence (`sh keep`), what is in it, and the line it begins at."""

    info: str
    text: str
    line: int


def pages() -> list[Path]:
    """README.md and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(info=match["info"].strip(), text=match["text"], line=text.count("\n", 0, match.start()) + 1)
        for match in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """The targets of the page's links."""
    return [match["target"] for match in _LINK.finditer(prose(page))]


def anchors(page: Path) -> set[str]:
    """The names by which GitHub links to the page's headings."""
    found = (match["text"].strip().lower() for match in _HEADING.finditer(prose(page)))
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in found}


def between(page: Path, name: str) -> str:
    """What stands between `<!-- name -->` and `<!-- /name -->`."""
    text = page.read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->\n", 1)[1].split(f"<!-- /{name} -->", 1)[0]
