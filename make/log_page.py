"""docs/log.md: the causes of failure, and what stands in a job's way, as every face tells them, put between marks.

`python -m make.log_page` writes it anew; a test finds a page that is behind.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from consumer.api.job_refusals import SAID
from consumer.jobs.job import State
from consumer.jobs.reasons import TABLE
from consumer.log.explanation import table

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "log.md"


def page() -> str:
    """The page as it has to be."""
    text = PAGE.read_text(encoding="utf-8")
    parts = {"explanations": _explanations(), "reasons": _reasons(), "hindrances": _hindrances()}
    for name, lines in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
    return text


def _reasons() -> Iterator[str]:
    """Of jobs that there are: a refused one is none, and has its row below."""
    yield "| `state` | `reason` | `detail` |"
    yield "|---|---|---|"
    for each in TABLE.values():
        if each.state is not State.REFUSED:
            yield f"| {each.state} | `{each.code}` | {each.detail} |"


def _hindrances() -> Iterator[str]:
    yield "| `code` | what it says |"
    yield "|---|---|"
    for why, said in SAID.items():
        yield f"| `{why}` | {said} |"


def _explanations() -> Iterator[str]:
    yield "| `code` | title | received | what to do |"
    yield "|---|---|---|---|"
    for each in table():
        yield f"| `{each.code}` | {each.title} | {each.received or ''} | {' '.join(each.remedies)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
