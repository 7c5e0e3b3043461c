"""docs/operating.md: the metrics' table, as the catalogue has them, put between marks.

`python -m make.metrics_page` writes it anew; a test finds a page that is behind.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from consumer.telemetry.catalogue import ALL, EVERY, Metric

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "operating.md"
_BEGIN: Final = "<!-- metrics -->\n"
_END: Final = "<!-- /metrics -->"


def page() -> str:
    """The page as it has to be."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    return before + _BEGIN + "\n".join(_rows()) + "\n" + _END + rest.partition(_END)[2]


def _rows() -> Iterator[str]:
    yield "| metric | labels | of | |"
    yield "|---|---|---|---|"
    for metric in ALL:
        labels = " ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{metric.name}` {metric.kind} | {labels} | {_of(metric)} | {metric.help} |"


def _of(metric: Metric) -> str:
    if not metric.roles:
        return "the supervisor"
    return "every role" if metric.roles == EVERY else ", ".join(metric.roles)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
