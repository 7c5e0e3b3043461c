"""Where the native step cannot be built, that is said and nothing fails."""

import shutil
from pathlib import Path

import pytest

from make import native


@pytest.fixture
def without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no tool but those that a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(native, "BIN", tmp_path / "venv" / "bin")
    monkeypatch.setattr(native, "CACHE", tmp_path / "cache")
    return tmp_path


def put(folder: Path, name: str, script: str) -> None:
    tool = folder / name
    tool.write_text(f"#!{shutil.which('sh', path='/bin:/usr/bin')}\n{script}\n")
    tool.chmod(0o755)


def test_without_rust_it_says_so_and_is_content(
    without: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("build", "lint", "test"):
        monkeypatch.setattr("sys.argv", ["native.py", step])
        assert native.main() == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [f"native: there is no Rust from 1.85 on (cargo): {native.WITHOUT}"], "once, at the build"
    assert list(without.iterdir()) == []


@pytest.mark.parametrize(
    ("cargo", "why"),
    [
        ('echo "cargo 1.84.1 (66221abde 2024-11-19)"', "there is no Rust from 1.85 on (cargo)"),
        ("exit 1", "there is no Rust from 1.85 on (cargo)"),
        ('[ "$1" = fetch ] && exit 101; echo "cargo 1.95.0"', "cargo cannot fetch the crates (its reason is above)"),
    ],
)
def test_what_is_missing_is_named(without: Path, cargo: str, why: str) -> None:
    put(without, "cargo", cargo)
    put(without, "cc", "")
    assert native.missing() == why


def test_without_a_c_compiler_it_is_not_tried(without: Path) -> None:
    put(without, "cargo", 'echo "cargo 1.95.0"')
    assert native.missing() == "there is no C compiler (cc)"
