"""make's targets explain themselves, CI runs what developers run, and the verdict counts what happened."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from make import environment, suite

ROOT = Path(__file__).resolve().parents[3]


def test_make_alone_explains_every_target() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(["make"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    for target in phony[1].split():
        assert re.search(rf"^  make {target} +\S+ \S+", said, re.MULTILINE), target


def test_ci_runs_all_tests() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if not line.startswith("#")]
    assert lines[:2] == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."']
    # The suite last: its line counts.
    assert lines[2:] == ["make test-deploy", "make test-browser", "make test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_an_environment_is_stale_once_what_it_was_made_from_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: str
) -> None:
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text("one")
    before = environment.fingerprint("requirements.lock")
    assert environment.fingerprint("requirements.lock") == before
    (tmp_path / changed).write_text("two")
    assert environment.fingerprint("requirements.lock") != before


def test_an_error_counts_as_a_failure(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text('<testsuites><testsuite tests="10" failures="2" errors="1" skipped="3"/></testsuites>')
    assert suite.read(report) == suite.Count(passed=4, failed=3, skipped=3)


def test_parts_add_up() -> None:
    one = suite.Count(passed=1, failed=2, skipped=3)
    assert one + one == suite.Count(passed=2, failed=4, skipped=6)


# It keeps the interpreter's lock and waits in C for itself: no handler and no other thread of Python's runs again.
DEAF = "import ctypes; c = ctypes.PyDLL(None); m = bytes(64); c.pthread_mutex_lock(m); c.pthread_mutex_lock(m)"


def test_a_part_that_hangs_is_ended_with_its_stacks(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(suite, "STACKS_S", 0.5)
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    script = f"sleep 600 > {tmp_path}/held & exec {sys.executable} -X faulthandler -c '{DEAF}'"
    assert suite.bounded(["sh", "-c", script], 2.0) == suite.HUNG
    said = capfd.readouterr()
    assert "hung: ended after 2 s" in said.out
    assert 'File "<string>", line 1 in <module>' in said.err
    assert os.read(held, 1) == b""  # what it started has ended too
    os.close(held)


def test_a_test_that_no_signal_reaches_ends_its_process_with_its_stacks(tmp_path: Path) -> None:
    planted = tmp_path / "test_planted.py"
    planted.write_text(f"def test_deaf():\n    {DEAF}\n")
    options = ["-c", "pyproject.toml", "-o", "timeout=1", "-o", "faulthandler_timeout=2", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", "--noconftest", *options, str(planted)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "in test_deaf" in ended.stderr
    assert "1 passed" not in ended.stdout


def test_every_test_is_in_exactly_one_part() -> None:
    markers = [options[options.index("-m") + 1] for options in suite.PARTS.values()]
    assert markers == ["not serial and not browser and not deploy", "serial"]
    # The others are `make test-browser` and `make test-deploy`, which run a folder: what is marked has to lie there.
    for other in ("browser", "deploy"):
        marked = {
            path.parent for path in (ROOT / "tests").rglob("test_*.py") if f"mark.{other}" in path.read_text("utf-8")
        }
        assert marked - {Path(__file__).parent} == {ROOT / "tests" / other}


def test_no_test_reads_the_settings_of_whoever_runs_the_suite() -> None:
    assert not any(Path(name).exists() for name in (".env", "hookline.toml"))
    assert Path.cwd() != ROOT
