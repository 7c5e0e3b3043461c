"""docs/log.md: the causes of failure, as every face tells them, put between the page's marks.

`python -m make.log_page` writes it anew; a test finds a page that is behind.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from consumer.log.explanation import table

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "log.md"
_BEGIN: Final = "<!-- explanations -->\n"
_END: Final = "<!-- /explanations -->"


def page() -> str:
    """The page as it has to be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    return before + _BEGIN + "\n".join(_rows()) + "\n" + _END + rest.partition(_END)[2]


def _rows() -> Iterator[str]:
    yield "| `code` | title | received | what to do |"
    yield "|---|---|---|---|"
    for each in table():
        yield f"| `{each.code}` | {each.title} | {each.received or ''} | {' '.join(each.remedies)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
