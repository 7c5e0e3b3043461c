"""make's targets explain themselves, CI runs what developers run, and the verdict counts what happened."""

import os
import re
import subprocess
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


def test_ci_runs_make_test() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."', "make test"]
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


def test_every_test_is_in_exactly_one_part() -> None:
    markers = [options[options.index("-m") + 1] for options in suite.PARTS.values()]
    assert markers == ["not serial", "serial"]
