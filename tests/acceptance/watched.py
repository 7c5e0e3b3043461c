"""What a running Hookline tells whoever watches it, at its admin port."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as prometheus_families

from consumer.telemetry.catalogue import ALL
from consumer.telemetry.metric import Kind
from tests.acceptance.deadline import until
from tests.acceptance.hookline import Hookline

Told: TypeAlias = Mapping[str, Sequence[Mapping[str, str]]]
"""The labels of each series, by its sample's name."""

_WITH_AN_ERROR: Final = frozenset({"hookline_commits_failed_total", "hookline_produce_failed_total"})


def told(running: Hookline, *, openmetrics: bool) -> Told:
    """Every series there is."""
    accept = "application/openmetrics-text" if openmetrics else "text/plain"
    answer = httpx.get(f"http://{running.admin()}/metrics", headers={"Accept": accept}, timeout=5)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(accept)
    found: dict[str, list[Mapping[str, str]]] = {}
    for family in (openmetrics_families if openmetrics else prometheus_families)(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def every_metric_is_told(running: Hookline, roles: Sequence[str]) -> None:
    """Each that the catalogue gives to one of these roles, in both formats; but for those that come with an error."""
    expected = {
        f"{metric.name}_bucket" if metric.kind is Kind.HISTOGRAM else metric.name
        for metric in ALL
        if not metric.roles or not {*roles}.isdisjoint(metric.roles)
    }
    for openmetrics in (False, True):
        until(
            lambda openmetrics=openmetrics: not _missing(running, expected, openmetrics=openmetrics),  # type: ignore[misc] # bound
            within_s=10,
            missing=lambda openmetrics=openmetrics: str(_missing(running, expected, openmetrics=openmetrics)),  # type: ignore[misc] # same
        )
    for labels in told(running, openmetrics=False).values():
        assert all(not {"tenant", "webhook", "url"} & {*each} for each in labels)


def _missing(running: Hookline, expected: set[str], *, openmetrics: bool) -> set[str]:
    return expected - {*told(running, openmetrics=openmetrics)} - _WITH_AN_ERROR
