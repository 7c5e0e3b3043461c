"""`python -m bench.report`: put the last figures into docs/performance.md, between its markers.

The law: every figure on that page comes from bench/out, with the machine, its load and the commit it was measured at.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from bench import api, crash, loaded, plot, rebalance, results, scale, subscriptions, workloads
from bench.__main__ import BARS
from bench.installation import ROOT
from bench.parts import NOT_COMPARABLE
from bench.results import Bar

_PAGE = ROOT / "docs" / "performance.md"
_SCALING = ROOT / "docs" / "scaling.md"
_PICTURE = ROOT / "docs" / "cost.svg"
_ROWS = {
    "deliveries_per_s": "signed, logged deliveries per second, one process on one core",
    "cpu_us_per_delivery": "CPU µs per delivery, all threads of the process",
    "ordered_per_s": "with `ordering: key` over 10,000 keys, deliver and retry on one core, per second",
    "ordered_share": "the same, of what it is without order",
    "limit_us_per_request": "CPU µs per request of `wrk` on the same sink",
    "times_wrk": "a delivery's CPU, of `wrk`'s for a request",
    "times_go": "the same, of a Go consumer's (franz-go, net/http) for a delivery",
    "times_aiokafka": "the same, of an aiokafka and aiohttp consumer's",
    "times_httpx": "the same, of a confluent-kafka and httpx consumer's",
    "times_base": "the same, of ours at BASE",
    "tracker_us_per_delivery": "CPU µs of it for tracking offsets",
    "telemetry_us_per_delivery": "CPU µs for metrics, and for traces of which one in a hundred is recorded",
    "telemetry_share": "the same, of a delivery's CPU",
    "idle_cpu_share": "all roles and their supervisor with nothing to do, cores",
    "idle_mb": "the same, memory (PSS), MB",
    "rss_mb": "peak resident memory, MB",
    "rss_mb_steady": "resident memory, median, MB",
    "latency_ms_p50": "publish to receive at 200 events/s, p50, ms",
    "latency_ms_p99": "the same, p99, ms",
}

# JSON just read, of a file that our own bench wrote.
Found = Mapping[str, Any]


def main() -> int:
    """Fill the page's sections for which there are figures."""
    page = _PAGE.read_text()
    tables: Mapping[str, Callable[[Found], str]] = {
        "latest": one_core,
        "isolation": _isolation,
        "api": partial(_plain, api.BARS),
        "crash": partial(_plain, crash.BARS),
        "rebalance": partial(_plain, rebalance.BARS),
        "loaded": partial(_plain, loaded.BARS),
        "subscriptions": partial(_plain, subscriptions.BARS),
        "around": partial(_plain, ()),
        "workloads": lambda found: f"{workloads.table(found)}\n{_where(found['machine'])}\n",
    }
    for name, table in tables.items():
        found = results.read(name)
        if found is None:
            print(f"{name}: not measured yet")
        else:
            page = _filled(page, name, table(found))
            print(f"{name}: {_relative(_PAGE)} is up to date")
    _PAGE.write_text(page)
    if (found := results.read("around")) is not None:
        written = f"{scale.table(cast('Mapping[str, float]', found))}\n{_where(cast('Found', found['machine']))}\n"
        _SCALING.write_text(_filled(_SCALING.read_text(), "scale", written))
    if versus := (results.read("latest") or {}).get("versus"):
        assert isinstance(versus, dict)
        _PICTURE.write_text(plot.cost(versus))
    return 0


def _filled(page: str, name: str, table: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, _, rest = page.partition(begin)
    after = rest.partition(end)[2]
    return f"{before}{begin}{table}{end}{after}"


def one_core(found: Found) -> str:
    bars = {bar.figure: bar for bar in BARS}
    rows = ["| figure | measured | bar |", "|---|---:|---:|"]
    rows += [f"| {words} | {_number(found.get(name))} | {bars.get(name, '')} |" for name, words in _ROWS.items()]
    for who, figures in found.get("versus", {}).items():
        rounds = ", ".join(map(str, figures["cpu_us_rounds"]))
        rows.append(f"| `{who}` in rounds, CPU µs each, in turn | {rounds} | |")
    for engine, figures in found.get("engines", {}).items():
        speed = f"{_number(figures['deliveries_per_s'])}/s, {_number(figures['cpu_us_per_delivery'])} µs each"
        rows.append(f"| engine `{engine}`, over {figures['deliveries']:,} deliveries | {speed} | |")
    strange = [f"Not comparable: {part}: {reason}." for part, reason in found.get(NOT_COMPARABLE, {}).items()]
    return "\n".join([*rows, "", *strange, _where(found["machine"]), ""])


def _isolation(found: Found) -> str:
    runs: Mapping[str, Found] = found["runs"]
    rows = [f"| | {' | '.join(runs)} |", "|---|" + "---:|" * len(runs)]
    rows += [
        f"| {figure} | {' | '.join('' if run[figure] is None else _number(run[figure]) for run in runs.values())} |"
        for figure in next(iter(runs.values()))
    ]
    for figure in ("throughput_share", "p99_ratio"):
        compared = [found["compared"].get(name) for name in runs]
        rows.append(f"| {figure} | {' | '.join('' if each is None else _number(each[figure]) for each in compared)} |")
    return "\n".join(
        [
            *rows,
            "",
            f"Each was measured for {found['seconds']:g} s at least, in three rounds. {_where(found['machine'])}",
            "",
        ]
    )


def _plain(bars: Sequence[Bar], found: Found) -> str:
    by_figure = {bar.figure: bar for bar in bars}
    rows = ["| figure | measured | bar |", "|---|---:|---:|"]
    for figure, value in found.items():
        if figure != "machine":
            rows.append(f"| {figure} | {_number(value)} | {by_figure.get(figure, '')} |")
    return "\n".join([*rows, "", _where(found["machine"]), ""])


def _where(machine: Found) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    cores = f"{machine['cores']} cores, {'pinned' if machine['pinned'] else 'not pinned'}"
    return (
        f"Measured {machine['date']} at commit {machine['commit']}: {machine['cpu']}, {cores},"
        f" load average before the run {machine['load_before']}; {machine['kernel']}, Python {machine['python']}"
        f"{_built(machine)}, {libraries}."
    )


def _built(machine: Found) -> str:
    """Figures from before this was noted do not tell it."""
    if "python_built" not in machine:
        return ""
    return f" ({' '.join(machine['python_built']) or 'it tells of no optimisations'})"


def _number(value: float | list[float] | None) -> str:
    return "not measured" if value is None else results.shown(value)


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
