"""The metrics and labels that an expression of PromQL asks for, compared with those that Hookline exposes."""

import re
from typing import Final

from consumer.telemetry.catalogue import BY_NAME
from consumer.telemetry.metric import Kind

_SELECTOR: Final = re.compile(r"\b((?:hookline|process)_[a-z_]+)(?:\{([^}]*)\})?")
_MATCHER: Final = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"')
_GROUPED: Final = re.compile(r"\b(?:by|on|without)\s*\(([^)]*)\)")
_OF_PROMETHEUS: Final = frozenset({"role", "slot", "le", "instance", "job", "namespace"})
_ENDS: Final = re.compile("_(bucket|count|sum)$")


def unknown(expression: str) -> list[str]:
    """What of it there is not: metrics, and labels that their metric has not."""
    found: list[str] = []
    labels: set[str] = {*_OF_PROMETHEUS}
    for name, matchers in _SELECTOR.findall(expression):
        metric = BY_NAME.get(name)
        if metric is None:
            metric = BY_NAME.get(_ENDS.sub("", name))
            if metric is None or metric.kind is not Kind.HISTOGRAM:
                found.append(name)
                continue
        elif metric.kind is Kind.HISTOGRAM:
            found.append(f"{name} without an end")
        labels |= {*metric.labels}
        own = {*metric.labels} | _OF_PROMETHEUS
        found += [f"{name}{{{label}}}" for label in _MATCHER.findall(matchers) if label not in own]
    grouped = {each.strip() for group in _GROUPED.findall(expression) for each in group.split(",") if each.strip()}
    return found + sorted(f"by ({label})" for label in grouped - labels)
