"""Every alert fires when it should and only then, asks for metrics that there are, and has a runbook."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ConfigDict

from tests import markdown
from tests.metric_names import unknown

RULES = markdown.ROOT / "deploy" / "prometheus" / "hookline.rules.yml"
RUNBOOK = markdown.ROOT / "docs" / "runbook.md"
PROMTOOL = shutil.which("promtool")

D, R = 'role="deliver",slot="0"', 'role="retry",slot="0"'
PLACE = f'{D},topic="orders",partition="0"'


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    alert: str
    expr: str
    for_: str | None = None
    labels: dict[str, str]
    annotations: dict[str, str]


class Group(BaseModel):
    name: str
    rules: list[Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Series with the values that they have minute by minute; `at_min` is when it is looked at."""

    fires: Mapping[str, str]
    silent: Mapping[str, str]
    at_min: int = 60


CASES: Mapping[str, Case] = {
    "HooklineEventsTooOld": Case(
        fires={f"hookline_oldest_unfinished_age_seconds{{{PLACE}}}": "90x60"},
        # A minute is no reason, nor is an hour in the delay topics.
        silent={
            f"hookline_oldest_unfinished_age_seconds{{{PLACE}}}": "59x60",
            f'hookline_oldest_unfinished_age_seconds{{{R},topic="hookline.retry.15h",partition="0"}}': "3600x60",
        },
    ),
    "HooklineBacklogGrowing": Case(
        fires={
            f"hookline_records_unstarted{{{PLACE}}}": "100000+600x60",
            f'hookline_events_total{{{D},outcome="matched"}}': "0+3000x60",
        },
        # It is much, and becomes less.
        silent={
            f"hookline_records_unstarted{{{PLACE}}}": "100000-600x60",
            f'hookline_events_total{{{D},outcome="matched"}}': "0+3000x60",
        },
    ),
    "HooklineRetriesOverdue": Case(
        fires={f"hookline_retry_overdue_seconds{{{R}}}": "61x60"},
        silent={f"hookline_retry_overdue_seconds{{{R}}}": "5x60"},
    ),
    "HooklineNothingDelivered": Case(
        fires={
            f'hookline_events_total{{{D},outcome="matched"}}': "0+60x60",
            f'hookline_attempts_total{{{D},outcome="delivered",code="2xx"}}': "700x60",
        },
        silent={
            f'hookline_events_total{{{D},outcome="matched"}}': "0+60x60",
            f'hookline_attempts_total{{{D},outcome="delivered",code="2xx"}}': "0+1x60",
        },
    ),
    "HooklineDeliveriesFailing": Case(
        fires={
            'hookline_webhooks{role="log",slot="0",state="failing"}': "30x60",
            'hookline_webhooks{role="log",slot="0",state="accepting"}': "70x60",
        },
        # Of three webhooks one is no sign of anything.
        silent={
            'hookline_webhooks{role="log",slot="0",state="failing"}': "1x60",
            'hookline_webhooks{role="log",slot="0",state="accepting"}': "2x60",
        },
    ),
    "HooklineCertificatesEnd": Case(
        # Two processes tell of the same webhooks.
        fires={
            'hookline_webhook_certificates{role="log",slot="0",instance="a",state="ending"}': "0x10 2x90",
            'hookline_webhook_certificates{role="log",slot="0",instance="b",state="ending"}': "0x10 2x90",
        },
        silent={
            'hookline_webhook_certificates{role="log",slot="0",state="ending"}': "0x100",
            'hookline_webhook_certificates{role="log",slot="0",state="ended"}': "0x70 1x30",
        },
        at_min=90,
    ),
    "HooklineDeadLettersRising": Case(
        fires={f'hookline_dead_letters_total{{{R},reason="exhausted"}}': "0+1x1400 1500+100x100"},
        silent={f'hookline_dead_letters_total{{{R},reason="exhausted"}}': "0+100x1500"},
        at_min=1_500,
    ),
    "HooklinePoison": Case(
        fires={f'hookline_poison_total{{{D},reason="too_large"}}': "0x50 1x20"},
        silent={f'hookline_poison_total{{{D},reason="too_large"}}': "7x60"},
    ),
    "HooklineOffsetGap": Case(
        fires={f"hookline_offset_gaps_total{{{D}}}": "0x50 1x20"}, silent={f"hookline_offset_gaps_total{{{D}}}": "1x60"}
    ),
    "HooklineMapNearlyFull": Case(
        fires={f"hookline_commit_map_chars{{{PLACE}}}": "4000x60"},
        silent={f"hookline_commit_map_chars{{{PLACE}}}": "4000x50 100x20"},
    ),
    "HooklineCommitsFailing": Case(
        fires={f'hookline_outage_seconds{{{D},what="commits failing"}}': "0+60x60"},
        # A rebalance refuses commits for a moment.
        silent={f'hookline_outage_seconds{{{D},what="commits failing"}}': "0x50 20 0x20"},
    ),
    "HooklineKafkaRefuses": Case(
        fires={f'hookline_outage_seconds{{{D},what="attempt records not acknowledged"}}': "0+60x60"},
        silent={f'hookline_outage_seconds{{{D},what="kafka trouble"}}': "0+60x60"},
    ),
    "HooklineProjectionStale": Case(
        fires={'hookline_projection_lag_seconds{role="projection",slot="0"}': "0+60x60"},
        silent={'hookline_projection_lag_seconds{role="projection",slot="0"}': "1x60"},
    ),
    "HooklineCacheUnreadable": Case(
        fires={f'hookline_outage_seconds{{{D},what="webhooks unreadable"}}': "0+60x60"},
        silent={f'hookline_outage_seconds{{{D},what="webhooks unreadable"}}': "0x50 10 0x20"},
    ),
    "HooklineEgressBroken": Case(
        fires={f'hookline_outage_seconds{{{D},what="egress proxy broken"}}': "0+60x60"},
        silent={f'hookline_outage_seconds{{{D},what="egress proxy broken"}}': "0x50 10 0x20"},
    ),
    "HooklineNoLeader": Case(
        fires={'hookline_leader{role="projection",slot="0"}': "0x60", 'hookline_leader{role="jobs",slot="0"}': "1x60"},
        silent={
            'hookline_leader{role="projection",slot="0",instance="a"}': "0x60",
            'hookline_leader{role="projection",slot="0",instance="b"}': "1x60",
        },
    ),
    "HooklineProcessSilent": Case(
        fires={f"hookline_snapshot_age_seconds{{{D}}}": "0+60x60"},
        silent={f"hookline_snapshot_age_seconds{{{D}}}": "0.7x60"},
    ),
    "HooklineProcessFlapping": Case(
        fires={f"hookline_process_starts_total{{{D}}}": "1+1x60"},
        silent={f"hookline_process_starts_total{{{D}}}": "1x50 2x20"},
    ),
    "HooklineOlder": Case(
        fires={f'hookline_outage_seconds{{{R},what="older than what it reads"}}': "0+60x60"},
        # An update replaces it within minutes.
        silent={f'hookline_outage_seconds{{{R},what="older than what it reads"}}': "0+60x5 0x60"},
    ),
    "HooklineBug": Case(
        fires={f'hookline_bugs_total{{{D},boundary="match"}}': "0x50 1x20"},
        silent={f'hookline_bugs_total{{{D},boundary="match"}}': "0x60"},
    ),
    "HooklineGone": Case(
        fires={"up": "0x60"},
        silent={'hookline_build_info{version="1",python="3",librdkafka="2"}': "1x60"},
    ),
}


@pytest.fixture(scope="module")
def rules() -> dict[str, Rule]:
    [group] = yaml.safe_load(RULES.read_text(encoding="utf-8").replace(" for:", " for_:"))["groups"]
    return {rule.alert: rule for rule in Group.model_validate(group).rules}


def test_every_alert_is_tested_and_no_other(rules: dict[str, Rule]) -> None:
    assert {*rules} == {*CASES}


def test_every_alert_asks_for_metrics_and_labels_that_there_are(rules: dict[str, Rule]) -> None:
    assert {name: found for name, rule in rules.items() if (found := unknown(rule.expr))} == {}
    for case in CASES.values():
        for series in (*case.fires, *case.silent):
            assert series == "up" or unknown(series) == [], series


def test_every_alert_says_what_is_wrong_and_leads_to_its_runbook(rules: dict[str, Rule]) -> None:
    for name, rule in rules.items():
        assert re.fullmatch("Hookline([A-Z][a-z]+)+", name)
        assert rule.labels["severity"] in {"critical", "warning", "info"}
        assert {*rule.annotations} == {"summary", "description", "runbook_url"}
        path, _, anchor = rule.annotations["runbook_url"].partition("#")
        assert path == "docs/runbook.md"
        assert anchor == name.lower()
        assert anchor in markdown.anchors(RUNBOOK), name


def test_the_runbook_has_no_other_alerts(rules: dict[str, Rule]) -> None:
    headings = re.findall("^### (Hookline.*)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(rules)


def test_every_alert_fires_and_stays_silent(tmp_path: Path) -> None:
    """Each beside no other rule: of all twenty, each minute of each case, promtool would make a minute of work."""
    if PROMTOOL is None:
        pytest.skip("promtool is not installed: the tests above are all there is to check by")
    promtool(PROMTOOL, "check", "rules", str(RULES))
    [group] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    suites = [_suite(tmp_path, rule, CASES[rule["alert"]]) for rule in group["rules"]]
    promtool(PROMTOOL, "test", "rules", *map(str, suites))


def _suite(folder: Path, rule: Mapping[str, str], case: Case) -> Path:
    """The file of promtool's tests of this rule alone."""
    name = rule["alert"]
    rules = folder / f"{name}.rules.yml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "hookline", "rules": [rule]}]}))
    tests = [
        {
            "interval": "1m",
            "name": f"{name} {'fires' if fires else 'stays silent'}",
            "input_series": [{"series": series, "values": values} for series, values in given.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})',
                    "eval_time": f"{case.at_min}m",
                    "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                }
            ],
        }
        for fires, given in ((True, case.fires), (False, case.silent))
    ]
    suite = folder / f"{name}.test.yml"
    suite.write_text(yaml.safe_dump({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}))
    return suite


def promtool(command: str, *arguments: str) -> None:
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
