"""A bench run keeps what it measured, whatever becomes of its other parts."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from bench import report, results
from bench.__main__ import BARS
from bench.installation import BenchError
from bench.latency import Latency
from bench.parts import Findings, Measured
from bench.results import Bar
from bench.throughput import Proof, Throughput
from tests.services.server import ServiceError

SPEED = Bar(figure="speed", unit="/s", least=10)


@pytest.fixture(autouse=True)
def out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(results, "OUT", tmp_path)
    return tmp_path


@pytest.fixture
def found() -> Findings:
    return Findings(["curl", "latency", "httpx"], partial(results.write, "latest"))


def failing(error: Exception) -> Measured:
    raise error


def fast() -> Measured:
    return Measured(figures={"speed": 12, "engines": {"curl": {"speed": 12}}})


def written(out: Path) -> Mapping[str, object]:
    read: Mapping[str, object] = json.loads((out / "latest.json").read_text())
    return read


def judged(found: Findings, *bars: Bar) -> int:
    return results.judge(Console(quiet=True), "latest", found.figures, bars or (SPEED,))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (BenchError("stalled: 1 deliveries are missing"), "stalled: 1 deliveries are missing"),
        (ServiceError("nginx did not start"), "nginx did not start"),
        (ProcessLookupError("process 7 has ended"), "ProcessLookupError: process 7 has ended"),
    ],
)
def test_a_later_part_that_fails_takes_only_itself(
    found: Findings, out: Path, capsys: pytest.CaptureFixture[str], error: Exception, reason: str
) -> None:
    found.measure("curl", fast)
    found.measure("latency", lambda: Measured(figures={"p50": 1}))
    found.measure("httpx", lambda: failing(error))
    assert judged(found) == 2
    assert written(out) == {
        "speed": 12,
        "engines": {"curl": {"speed": 12}},
        "p50": 1,
        "not_comparable": {"httpx": reason},
    }
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"latest: NOT COMPARABLE: speed 12 (≥ 10 /s); httpx is not comparable: {reason}"


def test_an_earlier_one_does_too(found: Findings) -> None:
    found.measure("curl", fast)
    found.measure("latency", lambda: failing(BenchError("late")))
    found.measure("httpx", lambda: Measured(figures={"engines": {"httpx": {"speed": 1}}}))
    assert found.figures["engines"] == {"curl": {"speed": 12}, "httpx": {"speed": 1}}
    assert found.figures["not_comparable"] == {"latency": "late"}


def test_figures_with_something_in_them_are_kept_and_said(found: Findings) -> None:
    found.measure("curl", fast)
    found.measure("latency", lambda: Measured(figures={"p50": 1}))
    found.measure("httpx", lambda: Measured(figures={"slow": 3}, not_comparable="1 of 3,000 deliveries were delayed"))
    assert (found.figures["slow"], judged(found)) == (3, 2)


def test_what_a_run_that_is_stopped_by_hand_had_measured_is_there(found: Findings, out: Path) -> None:
    found.measure("curl", fast)
    with pytest.raises(KeyboardInterrupt):
        found.measure("latency", lambda: failing(KeyboardInterrupt()))  # type: ignore[arg-type] # it is none
    assert written(out)["speed"] == 12
    assert written(out)["not_comparable"] == dict.fromkeys(("latency", "httpx"), "the run ended before it")


def test_services_that_fail_are_the_reason_of_what_was_not_begun(found: Findings) -> None:
    found.measure("curl", lambda: failing(BenchError("stalled")))
    found.end("Kafka did not start")
    assert found.figures["not_comparable"] == {
        "curl": "stalled",
        "latency": "Kafka did not start",
        "httpx": "Kafka did not start",
    }


def test_a_bar_that_was_not_measured_is_missed(found: Findings, capsys: pytest.CaptureFixture[str]) -> None:
    found.measure("curl", lambda: failing(BenchError("stalled\nat once")))
    for part in ("latency", "httpx"):
        found.measure(part, lambda: Measured(figures={}))
    assert judged(found) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "latest: FAIL: speed was not measured (≥ 10 /s); curl is not comparable: stalled at once"


def test_where_all_is_well_nothing_is_said_of_it(found: Findings, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("curl", "latency", "httpx"):
        found.measure(part, fast)
    assert judged(found) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "latest: PASS: speed 12 (≥ 10 /s)"
    assert judged(found, *BARS) == 1


def test_the_page_is_written_from_a_run_that_is_not_whole(found: Findings) -> None:
    found.measure("curl", lambda: Measured(figures={"deliveries_per_s": 12_345.6}))
    found.end("Kafka died")
    machine = dict.fromkeys(("date", "commit", "cpu", "cores", "load_before", "kernel", "python"), "x")
    found.note(machine=machine | {"pinned": True, "libraries": {}})
    page = report.one_core(found.figures)
    assert "12,345.6" in page
    assert "not measured" in page
    assert "Not comparable: latency: Kafka died." in page


@pytest.mark.parametrize(
    ("received", "logged", "committed", "delayed", "holds"),
    [
        (100, 100, 100, 0, True),
        (99, 99, 100, 1, True),
        (100, 100, 100, 1, True),  # it was tried, and its answer came too late
        (98, 99, 100, 1, False),
        (99, 100, 100, 0, False),
        (101, 101, 100, 0, False),
        (100, 100, 99, 0, False),
        (0, 0, 100, 100, False),
    ],
)
def test_no_figure_without_proof(received: int, logged: int, committed: int, delayed: int, holds: bool) -> None:
    proof = Proof(events=100, deliveries=100, received=received, logged=logged, committed=committed, delayed=delayed)
    assert proof.holds is holds


def test_what_was_delayed_is_said() -> None:
    measured = Throughput(
        deliveries=2_999,
        delayed=1,
        seconds=3,
        deliveries_per_s=1_000,
        cpu_s=0.24,
        cpu_us_per_delivery=80,
        rss_mb=100,
        rss_mb_steady=90,
    )
    assert measured.delayed_words == "1 of 3,000 deliveries were delayed: something stalled"
    assert Latency(took_ms=[1.0], published=10, came=10).strange_words is None
    assert Latency(took_ms=[1.0], published=10, came=9).strange_words is not None
