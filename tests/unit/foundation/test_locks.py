"""The locks: every package by version and hash, from nowhere in particular."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PIN = re.compile(r"([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; (.+?))?((?: +--hash=sha256:[0-9a-f]{64})+)")


def entries(lock: str) -> list[str]:
    """The lock's logical lines: comments dropped, continuations joined."""
    text = "\n".join(line for line in (ROOT / lock).read_text().splitlines() if not line.lstrip().startswith("#"))
    return [re.sub(r"\s+", " ", line).strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def versions(lock: str) -> set[str]:
    """`name==version` of every entry."""
    return {entry.split(" ")[0] for entry in entries(lock)}


def required(names: list[str]) -> set[str]:
    """The bare, normalised package names of requirement strings."""
    return {re.split(r"[\[<>=~! ;]", name)[0].lower().replace("_", "-") for name in names}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_version_with_hashes(lock: str) -> None:
    assert len(entries(lock)) > 40
    assert [entry for entry in entries(lock) if PIN.fullmatch(entry) is None] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_registry_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(--?(index|extra-index|find-links|trusted-host|i|f)\b)", text, re.MULTILINE)


def test_the_development_lock_holds_all_of_the_other() -> None:
    assert versions("requirements.lock") <= versions("requirements-dev.lock")


def test_what_pyproject_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    running = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["demo"]
    building = project["build-system"]["requires"]
    locked = {entry.partition("==")[0] for entry in versions("requirements.lock")}
    assert required(running + building) <= locked
    locked_for_development = {entry.partition("==")[0] for entry in versions("requirements-dev.lock")}
    assert required(project["dependency-groups"]["dev"]) <= locked_for_development


def test_what_the_package_imports_is_asked_for_by_name() -> None:
    """What only comes along with something else may go with it, too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    asked = required(project["project"]["dependencies"] + extras["demo"] + extras["fast"] + extras["otel"])
    from_packages = packages_distributions()
    imported = {
        name.partition(".")[0]
        for path in (ROOT / "consumer").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _imported(node)
    } - {"consumer", *sys.stdlib_module_names}
    missing = {name for name in imported if not asked & required(list(from_packages.get(name, [name])))}
    assert missing == set()


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [each.name for each in names]
        case ast.ImportFrom(module=str() as module, level=0):
            return [module]
    return []
