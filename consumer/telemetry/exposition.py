"""Metrics as text, for whoever scrapes: Prometheus' own format and OpenMetrics. Pure.

The laws: one family's lines stand together, after its help and its type; whatever a label holds, a line stays one line.

https://prometheus.io/docs/instrumenting/exposition_formats/ (0.0.4)
https://github.com/OpenObservability/OpenMetrics/blob/main/specification/OpenMetrics.md (1.0.0)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, TypeAlias

from consumer.telemetry.catalogue import ALL
from consumer.telemetry.metric import Kind, Metric

Labelled: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values of labels."""

PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What there is to be told, by the metric's name."""

    values: dict[str, list[tuple[Labelled, float]]] = field(default_factory=dict)
    histograms: dict[str, list[tuple[Labelled, Sequence[int], float]]] = field(default_factory=dict)

    def value(self, name: str, labels: Labelled, value: float) -> None:
        """One series of a counter, a gauge or an info."""
        self.values.setdefault(name, []).append((labels, value))

    def histogram(self, name: str, labels: Labelled, counts: Sequence[int], total: float) -> None:
        """One series of a histogram: how many fell between two bounds, and their sum."""
        self.histograms.setdefault(name, []).append((labels, counts, total))


def wants_openmetrics(accept: str) -> bool:
    """Whether a header `Accept` likes OpenMetrics at least as much as the other format (RFC 9110 section 12.5.1)."""
    liked: dict[str, float] = {}
    for each in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in each.split(";"))
        weight = next((part.removeprefix("q=") for part in parameters if part.startswith("q=")), "1")
        liked[kind] = max(liked.get(kind, 0.0), float(weight) if _is_weight(weight) else 0.0)
    plain = max(liked.get("text/plain", 0.0), liked.get("text/*", 0.0), liked.get("*/*", 0.0))
    return 0.0 < liked.get("application/openmetrics-text", 0.0) >= plain


def text(series: Series, *, openmetrics: bool, of: Sequence[Metric] = ALL) -> bytes:
    """Everything of these metrics, in their order."""
    lines: list[str] = []
    for metric in of:
        if metric.name in series.values or metric.name in series.histograms:
            lines += _head(metric, openmetrics=openmetrics)
            lines += _values(metric, series.values.get(metric.name, ()))
            lines += _histograms(metric, series.histograms.get(metric.name, ()))
    if openmetrics:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode()


def _head(metric: Metric, *, openmetrics: bool) -> Iterator[str]:
    """OpenMetrics names a family without the ends that its samples' names have."""
    family, kind = metric.name, str(metric.kind)
    if openmetrics:
        family = family.removesuffix("_total" if metric.kind is Kind.COUNTER else "_info")
    elif metric.kind is Kind.INFO:
        kind = str(Kind.GAUGE)
    yield f"# HELP {family} {metric.help.translate(_ESCAPED) if openmetrics else metric.help}"
    yield f"# TYPE {family} {kind}"


def _values(metric: Metric, told: Iterable[tuple[Labelled, float]]) -> Iterator[str]:
    for labels, value in told:
        yield f"{metric.name}{_braces(labels)} {_number(value)}"


def _histograms(metric: Metric, told: Iterable[tuple[Labelled, Sequence[int], float]]) -> Iterator[str]:
    bounds = [*map(repr, metric.bounds), "+Inf"]
    for labels, counts, total in told:
        for bound, number in zip(bounds, accumulate(counts), strict=True):
            yield f"{metric.name}_bucket{_braces((*labels, ('le', bound)))} {number}"
        yield f"{metric.name}_count{_braces(labels)} {sum(counts)}"
        yield f"{metric.name}_sum{_braces(labels)} {_number(total)}"


def _braces(labels: Labelled) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels) + "}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _is_weight(text_: str) -> bool:
    return text_.replace(".", "", 1).isdecimal() and text_.isascii()


def named(names: Sequence[str], values: Sequence[str]) -> Labelled:
    """The labels of a series, by the names that the catalogue gives them."""
    return tuple(zip(names, values, strict=True))
