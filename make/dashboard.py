"""deploy/grafana/hookline.json: the dashboard, from the panels below.

`python -m make.dashboard` writes it anew. Tests find a file that is behind, and expressions about what there is not.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).resolve().parent.parent / "deploy" / "grafana" / "hookline.json"
SCHEMA: Final = 39
_WIDTH: Final = 24
_HEIGHT: Final = 8
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_OF: Final = 'job=~"$job",instance=~"$instance"'
_RATE: Final = "[$__rate_interval]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel: what it shows, in which unit, and of each line the expression and how it is called."""

    title: str
    about: str
    unit: str
    lines: Sequence[tuple[str, str]]
    width: int = 8
    stacked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels side by side, under a heading."""

    title: str
    panels: Sequence[Panel]


def _by(metric: str, *labels: str, of: str = "", over: str = "sum", rate: bool = False) -> str:
    """One expression: a metric of the chosen processes, added up (or the largest) by some labels."""
    selected = f"{metric}{{{', '.join(filter(None, (_OF, of)))}}}"
    told = f"rate({selected}{_RATE})" if rate else selected
    return f"{over} by ({', '.join(labels)}) ({told})" if labels else f"{over}({told})"


def _quantile(share: float, metric: str, *labels: str, of: str = "") -> str:
    return f"histogram_quantile({share}, {_by(f'{metric}_bucket', 'le', *labels, of=of, rate=True)})"


_DELIVER: Final = 'role="deliver"'
_TOPIC: Final = 'role="deliver", topic=~"$topic"'

_KEPT: Final = _by("hookline_connections_total", of='reused="true"', rate=True)
_ALL_CONNECTIONS: Final = _by("hookline_connections_total", rate=True)
_PROCESS: Final = "{{role}}/{{slot}} {{instance}}"

ROWS: Final = (
    Row(
        title="Deliveries, as their receivers see them",
        panels=(
            Panel(
                title="Oldest unfinished event",
                about="The age of the oldest event that was begun and has not ended. Alert: HooklineEventsTooOld.",
                unit="s",
                lines=((_by("hookline_oldest_unfinished_age_seconds", "topic", of=_TOPIC, over="max"), "{{topic}}"),),
            ),
            Panel(
                title="From an event to its acceptance",
                about="Of deliveries accepted at their first attempt, without a wait, half and 99 of 100 were faster.",
                unit="s",
                lines=(
                    (_quantile(0.5, "hookline_delivery_latency_seconds", of='path="first"'), "half"),
                    (_quantile(0.99, "hookline_delivery_latency_seconds", of='path="first"'), "99 of 100"),
                ),
            ),
            Panel(
                title="Accepted",
                about="Deliveries accepted a second, by the role that sent them.",
                unit="reqps",
                lines=((_by("hookline_attempts_total", "role", of='outcome="delivered"', rate=True), "{{role}}"),),
                stacked=True,
            ),
            Panel(
                title="Events not begun",
                about="The backlog: what to scale by. Consumer lag is something else, see docs/operating.md.",
                unit="short",
                lines=((_by("hookline_records_unstarted", "topic", of=_TOPIC), "{{topic}}"),),
            ),
            Panel(
                title="Events",
                about="What records of the event topics came to.",
                unit="ops",
                lines=((_by("hookline_events_total", "outcome", of=_DELIVER, rate=True), "{{outcome}}"),),
                stacked=True,
            ),
            Panel(
                title="Poison and dead letters",
                about="Records that are no events, and deliveries that were given up, by reason.",
                unit="ops",
                lines=(
                    (_by("hookline_poison_total", "reason", rate=True), "poison: {{reason}}"),
                    (_by("hookline_dead_letters_total", "reason", rate=True), "dead letter: {{reason}}"),
                ),
            ),
        ),
    ),
    Row(
        title="Attempts and endpoints",
        panels=(
            Panel(
                title="Attempts by answer",
                about="Requests that ended a second, by what the endpoint answered, or why there was no answer.",
                unit="reqps",
                lines=((_by("hookline_attempts_total", "code", rate=True), "{{code}}"),),
                stacked=True,
            ),
            Panel(
                title="How long attempts take",
                about="99 of 100 were faster, by what followed.",
                unit="s",
                lines=((_quantile(0.99, "hookline_attempt_duration_seconds", "outcome"), "{{outcome}}"),),
            ),
            Panel(
                title="Webhooks",
                about="By how their last attempt ended. Alert: HooklineDeliveriesFailing.",
                unit="short",
                lines=((_by("hookline_webhooks", "state"), "{{state}}"),),
                stacked=True,
            ),
            Panel(
                title="Busy lanes",
                about="Webhooks of which deliveries wait or are under way, by how their endpoints do.",
                unit="short",
                lines=((_by("hookline_lanes", "role", "state"), "{{role}}: {{state}}"),),
            ),
            Panel(
                title="Waiting and under way",
                about="Deliveries in the processes' memory.",
                unit="short",
                lines=(
                    (_by("hookline_deliveries_waiting", "role"), "{{role}}: wait"),
                    (_by("hookline_deliveries_in_flight", "role"), "{{role}}: under way"),
                ),
            ),
            Panel(
                title="Connections",
                about="The share of requests that went over a connection that was open already.",
                unit="percentunit",
                lines=((f"{_KEPT} / {_ALL_CONNECTIONS}", "open already"),),
            ),
        ),
    ),
    Row(
        title="Retries",
        panels=(
            Panel(
                title="Overdue",
                about="How long the delivery that is due longest waits to be begun. Alert: HooklineRetriesOverdue.",
                unit="s",
                lines=((_by("hookline_retry_overdue_seconds", over="max"), "overdue"),),
            ),
            Panel(
                title="Waits without an attempt",
                about="Deliveries put into a delay topic because their endpoint's turn has not come, by delay.",
                unit="ops",
                lines=((_by("hookline_spills_total", "tier", rate=True), "{{tier}}"),),
            ),
            Panel(
                title="Held until due",
                about="Records of the delay topics in memory. More of them wait in Kafka.",
                unit="short",
                lines=((_by("hookline_deliveries_held", "role", of='role="retry"'), "held"),),
            ),
        ),
    ),
    Row(
        title="Kafka",
        panels=(
            Panel(
                title="Acknowledgements",
                about="99 of 100 records, and commits, were acknowledged faster.",
                unit="s",
                lines=(
                    (_quantile(0.99, "hookline_produce_latency_seconds", "producer"), "{{producer}}"),
                    (_quantile(0.99, "hookline_commit_latency_seconds"), "commits"),
                ),
            ),
            Panel(
                title="Commits and failures",
                about="Offset commits accepted, and what Kafka refused, a second.",
                unit="ops",
                lines=(
                    (_by("hookline_commits_total", "role", rate=True), "{{role}}: commits"),
                    (_by("hookline_commits_failed_total", "error", rate=True), "commit: {{error}}"),
                    (_by("hookline_produce_failed_total", "error", rate=True), "record: {{error}}"),
                ),
            ),
            Panel(
                title="Rebalances",
                about="Times that partitions came or went, a second.",
                unit="ops",
                lines=((_by("hookline_rebalances_total", "role", "kind", rate=True), "{{role}}: {{kind}}"),),
            ),
            Panel(
                title="Partitions",
                about="How many each process reads.",
                unit="short",
                lines=((_by("hookline_partitions_assigned", "role", "slot", "instance"), _PROCESS),),
            ),
            Panel(
                title="Commit maps",
                about="The longest map beside an offset, of 4095 characters. Alert: HooklineMapNearlyFull.",
                unit="short",
                lines=((_by("hookline_commit_map_chars", "topic", of=_TOPIC, over="max"), "{{topic}}"),),
            ),
            Panel(
                title="Conditions that last",
                about="For how long: Kafka or Redis away, commits failing, and others, as the log names them.",
                unit="s",
                lines=((f"{_by('hookline_outage_seconds', 'role', 'what', over='max')} > 0", "{{role}}: {{what}}"),),
            ),
        ),
    ),
    Row(
        title="Webhooks' cache, log and API",
        panels=(
            Panel(
                title="Cache behind its topic",
                about="For how long the cache has not had all changes of webhooks. Alert: HooklineProjectionStale.",
                unit="s",
                lines=((_by("hookline_projection_lag_seconds", over="max"), "behind"),),
            ),
            Panel(
                title="Attempts not counted yet",
                about="What the role log has still to read of the attempts topic.",
                unit="short",
                lines=((_by("hookline_records_unstarted", of='role="log"'), "attempts"),),
            ),
            Panel(
                title="API requests",
                about="Answered a second, by status.",
                unit="reqps",
                lines=((_by("hookline_api_requests_total", "code", rate=True), "{{code}}"),),
                stacked=True,
            ),
            Panel(
                title="How long the API takes",
                about="99 of 100 requests were faster, by route.",
                unit="s",
                lines=((_quantile(0.99, "hookline_api_duration_seconds", "route"), "{{route}}"),),
            ),
            Panel(
                title="Certificates of webhooks",
                about="Active webhooks of which one has ended, or ends within 14 days. Alert: HooklineCertificatesEnd.",
                unit="short",
                lines=((_by("hookline_webhook_certificates", "state", over="max"), "{{state}}"),),
            ),
        ),
    ),
    Row(
        title="Processes",
        panels=(
            Panel(
                title="Processor",
                about="Cores used. A process uses one at most.",
                unit="none",
                lines=(
                    (
                        _by("process_cpu_seconds_total", "role", "slot", "instance", rate=True),
                        "{{role}}/{{slot}} {{instance}}",
                    ),
                ),
            ),
            Panel(
                title="Memory",
                about="Resident memory. Of deliver and retry HOOKLINE_MEMORY_MB is the bound.",
                unit="bytes",
                lines=(
                    (
                        _by("process_resident_memory_bytes", "role", "slot", "instance"),
                        "{{role}}/{{slot}} {{instance}}",
                    ),
                ),
            ),
            Panel(
                title="Starts",
                about="Times that processes were started in the last hour. Alert: HooklineProcessFlapping.",
                unit="short",
                lines=(
                    (
                        f"sum by (role, slot) (increase(hookline_process_starts_total{{{_OF}}}[1h]))",
                        "{{role}}/{{slot}}",
                    ),
                ),
            ),
            Panel(
                title="Silence",
                about="How long ago a process last told how it does: a loop that hangs tells nothing.",
                unit="s",
                lines=((_by("hookline_snapshot_age_seconds", "role", "slot", over="max"), "{{role}}/{{slot}}"),),
            ),
            Panel(
                title="Turns of the loops",
                about="99 of 100 turns were shorter. With nothing to do a turn waits, for a tenth of a second at most.",
                unit="s",
                lines=((_quantile(0.99, "hookline_loop_turn_seconds", "role"), "{{role}}"),),
            ),
            Panel(
                title="Bugs contained",
                about="Exceptions of ours that ended one attempt or one record. Alert: HooklineBug.",
                unit="short",
                lines=((f"sum by (boundary) (increase(hookline_bugs_total{{{_OF}}}[1h]))", "{{boundary}}"),),
            ),
        ),
    ),
)


def dashboard() -> str:
    """The file's text."""
    panels: list[dict[str, object]] = []
    y = 0
    for row in ROWS:
        panels.append(
            {
                "type": "row",
                "id": len(panels) + 1,
                "title": row.title,
                "collapsed": False,
                "gridPos": {"x": 0, "y": y, "w": _WIDTH, "h": 1},
                "panels": [],
            }
        )
        y += 1
        x = 0
        for panel in row.panels:
            if x + panel.width > _WIDTH:
                x, y = 0, y + _HEIGHT
            panels.append(_panel(panel, len(panels) + 1, x, y))
            x += panel.width
        y += _HEIGHT
    told = {
        "uid": "hookline",
        "title": "Hookline",
        "description": "Webhook deliveries from Kafka. The runbook is docs/runbook.md of Hookline's repository.",
        "tags": ["hookline"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "timezone": "browser",
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
                _variable("job", "Job", "label_values(hookline_build_info, job)"),
                _variable("instance", "Instance", 'label_values(hookline_build_info{job=~"$job"}, instance)'),
                _variable("topic", "Topic", 'label_values(hookline_records_unstarted{job=~"$job"}, topic)'),
            ]
        },
        "panels": panels,
    }
    return json.dumps(told, indent=2) + "\n"


def _variable(name: str, label: str, query: str) -> dict[str, object]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
        "sort": 1,
    }


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, object]:
    custom: dict[str, object] = {"lineWidth": 1, "fillOpacity": 20 if panel.stacked else 0, "showPoints": "never"}
    if panel.stacked:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    return {
        "type": "timeseries",
        "id": number,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0, "custom": custom}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
            for at, (expression, legend) in enumerate(panel.lines)
        ],
    }


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(dashboard(), encoding="utf-8")
    print(f"wrote {FILE.name}")
