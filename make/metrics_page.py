"""docs/operating.md: the metrics' tables, as the catalogues have them, put between marks.

`python -m make.metrics_page` writes it anew; a test finds a page that is behind.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from consumer.telemetry.catalogue import ALL, EVERY
from consumer.telemetry.metric import Metric
from consumer.telemetry.webhook_metrics import OF_WEBHOOKS

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "operating.md"
_TABLES: Final = {"metrics": ALL, "webhook-metrics": OF_WEBHOOKS}


def page() -> str:
    """The page as it has to be."""
    text = PAGE.read_text(encoding="utf-8")
    for mark, metrics in _TABLES.items():
        begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + "\n".join(_rows(metrics)) + "\n" + end + rest.partition(end)[2]
    return text


def _rows(metrics: Sequence[Metric]) -> Iterator[str]:
    yield "| metric | labels | of | |"
    yield "|---|---|---|---|"
    for metric in metrics:
        labels = " ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{metric.name}` {metric.kind} | {labels} | {_of(metric)} | {metric.help} |"


def _of(metric: Metric) -> str:
    if not metric.roles:
        return "the supervisor"
    return "every role" if metric.roles == EVERY else ", ".join(metric.roles)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
