"""How a metric is declared: its name, its kind, the roles that have it, its labels. Pure.

The law: a counter without labels is told from its process's start on, as 0.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """As Prometheus calls them. An info is a gauge of 1 whose labels are what it tells."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`roles` have it; none: the supervisor, of its processes or of itself. `bounds` are a histogram's.

    A counter of `roles` is told from their start on, as 0, for each of its `words`: a counter that appears with its
    first increase hides that increase from `increase()`. A `words` of () is a counter without labels.
    """

    name: str
    kind: Kind
    help: str
    roles: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()


def counter(
    name: str,
    roles: tuple[str, ...],
    help_: str,
    labels: tuple[str, ...] = (),
    words: tuple[tuple[str, ...], ...] | None = None,
) -> Metric:
    """A metric that counts up. `words`: the values of its labels that are told as 0 from the start on."""
    told = words if words is not None else (() if labels else ((),))
    return Metric(name=name, kind=Kind.COUNTER, help=help_, roles=roles, labels=labels, words=told)


def gauge(name: str, roles: tuple[str, ...], help_: str, *labels: str) -> Metric:
    """A metric that is what it is now."""
    return Metric(name=name, kind=Kind.GAUGE, help=help_, roles=roles, labels=labels)


def histogram(name: str, roles: tuple[str, ...], help_: str, bounds: tuple[float, ...], *labels: str) -> Metric:
    """A metric that sorts what it observes by these bounds."""
    return Metric(name=name, kind=Kind.HISTOGRAM, help=help_, roles=roles, labels=labels, bounds=bounds)


def one_of(*words: str) -> tuple[tuple[str, ...], ...]:
    """The `words` of a metric with one label."""
    return tuple((word,) for word in words)
