"""The dashboard asks for metrics that there are, Prometheus reads its expressions, and it is as Grafana advises."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from consumer.telemetry.catalogue import ALL
from make.dashboard import FILE, SCHEMA, dashboard
from tests.metric_names import unknown

PROMTOOL = shutil.which("promtool")
UNITS = {"s", "short", "ops", "reqps", "bytes", "percentunit", "none"}
NOT_SHOWN = {
    "hookline_build_info",
    "hookline_process_up",  # what is not there is in `hookline status`, and in an alert
    "hookline_process_ready",
    "hookline_process_exits_total",
    "hookline_leader",
    "hookline_records_unfinished",
    "hookline_suspensions_total",
    "hookline_keys_blocked_total",
    "hookline_ordered_total",
    "hookline_dropped_total",
    "hookline_stubs_total",
    "hookline_filters_given_up_total",
    "hookline_standings_asked_total",
    "hookline_standings_unanswered_total",
    "hookline_offset_gaps_total",
    "hookline_subscriptions_applied_total",
    "hookline_buckets_rebuilt_total",
    "hookline_attempts_folded_total",
    "hookline_attempts_indexed_again_total",
    "hookline_suspensions_announced_total",
    "hookline_failures_told_total",
    "hookline_traced_attempts_total",  # none where nothing is traced
    "hookline_unsent_total",
    "process_open_fds",
    "process_start_time_seconds",
}


class Target(BaseModel):
    expr: str
    legendFormat: str  # noqa: N815 # Grafana's name
    datasource: dict[str, str]


class Place(BaseModel):
    x: int
    y: int
    w: int
    h: int


class Defaults(BaseModel):
    unit: str = ""


class Fields(BaseModel):
    defaults: Defaults = Defaults()


class Panel(BaseModel):
    id: int
    type: str
    title: str
    description: str = ""
    gridPos: Place  # noqa: N815 # same
    fieldConfig: Fields = Fields()  # noqa: N815 # same
    targets: list[Target] = []


class Dashboard(BaseModel):
    uid: str
    schemaVersion: int  # noqa: N815 # same
    panels: list[Panel]


@pytest.fixture(scope="module")
def shown() -> Dashboard:
    return Dashboard.model_validate(json.loads(FILE.read_text(encoding="utf-8")))


def expressions(shown: Dashboard) -> list[str]:
    return [target.expr for panel in shown.panels for target in panel.targets]


def test_the_file_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == dashboard(), "run: make docs"


def test_every_expression_asks_for_metrics_and_labels_that_there_are(shown: Dashboard) -> None:
    assert {each: found for each in expressions(shown) if (found := unknown(each))} == {}
    for panel in shown.panels:
        for target in panel.targets:
            grouped = {
                label.strip() for found in re.findall(r"by \(([^)]*)\)", target.expr) for label in found.split(",")
            }
            assert {*re.findall(r"{{(\w+)}}", target.legendFormat)} <= grouped, panel.title


def test_every_metric_is_shown_but_some(shown: Dashboard) -> None:
    asked = {re.sub("_(bucket|count|sum)$", "", name) for each in expressions(shown) for name in _names(each)}
    assert {metric.name for metric in ALL} - asked == NOT_SHOWN


def _names(expression: str) -> list[str]:
    return re.findall(r"\b(?:hookline|process)_[a-z_]+(?=\{)", expression)


def test_it_is_made_as_grafana_advises(shown: Dashboard) -> None:
    """After the rules of grafana/dashboard-linter."""
    assert (shown.uid, shown.schemaVersion) == ("hookline", SCHEMA)
    assert len({panel.id for panel in shown.panels}) == len(shown.panels)
    for panel in shown.panels:
        if panel.type == "row":
            continue
        assert panel.title, panel.id
        assert panel.description.endswith("."), panel.title
        assert panel.fieldConfig.defaults.unit in UNITS, panel.title
        for target in panel.targets:
            assert target.datasource["uid"] == "${datasource}"
            assert 'job=~"$job",instance=~"$instance"' in target.expr, panel.title
            for interval in re.findall(r"rate\([^[]*(\[[^]]*\])", target.expr):
                assert interval == "[$__rate_interval]"
            for name in re.findall(r"(\w+_total)\{", target.expr):
                assert re.search(rf"(rate|increase)\({name}\{{", target.expr), "a counter says nothing by itself"


def test_no_panel_lies_on_another(shown: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in shown.panels:
        place = panel.gridPos
        cells = {(x, y) for x in range(place.x, place.x + place.w) for y in range(place.y, place.y + place.h)}
        assert taken.isdisjoint(cells), panel.title
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_prometheus_reads_every_expression(shown: Dashboard, tmp_path: Path) -> None:
    if PROMTOOL is None:
        return  # the tests above are all there is to check by
    rules = [
        {"record": f"shown:{at}", "expr": each.replace("$__rate_interval", "5m")}
        for at, each in enumerate(expressions(shown))
    ]
    file = tmp_path / "shown.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}))

    done = subprocess.run([PROMTOOL, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout
