"""Imports point one way, down; the core is pure."""

import importlib
from pathlib import Path

import pytest

lint_imports = importlib.import_module("importlinter.cli").lint_imports
ROOT = Path(__file__).resolve().parents[3]


def test_the_contracts_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    code = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert code == 0, capsys.readouterr().out
