"""The code of a version, and the Python that runs it.

The law: a version is what git has of it, in a work tree of its own. Where its lock is not ours it has an environment
of its own as well.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.acceptance.receipts import ROOT
from tests.chaos.bugs import ALL

_LOCK: Final = "requirements.lock"
_PLANTING: Final = ROOT / "tests" / "chaos" / "planting"


class NoSuchVersion(Exception):  # noqa: N818 # it names a state, as the glossary does
    """git has no such commit, or it cannot be run here. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """`environment` goes over the settings of each of its processes."""

    name: str
    python: str
    environment: Mapping[str, str] = field(default_factory=dict)


def here(bug: str | None = None) -> Version:
    """The code of this checkout as it lies there; with a bug that is planted in all its processes."""
    path = [str(ROOT)] if bug is None else [str(_PLANTING), str(ROOT)]
    environment = {"PYTHONPATH": os.pathsep.join(path)}
    if bug is not None:
        assert bug in ALL, f"no such bug: {bug}"
        environment["PLANTED_BUG"] = bug
    return Version(name="here", python=sys.executable, environment=environment)


@contextmanager
def of_commit(revision: str, folder: Path) -> Iterator[Version]:
    """The code of a commit, in a work tree under `folder` that goes with this context.

    Raises:
        NoSuchVersion: git knows no such commit, or its environment could not be made.
    """
    commit = _said("git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", otherwise=revision).strip()
    tree = folder / f"hookline-{commit[:12]}"
    _said("git", "worktree", "add", "--detach", "--quiet", str(tree), commit, otherwise=revision)
    try:
        yield Version(name=commit[:12], python=_python(tree), environment={"PYTHONPATH": str(tree)})
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=False)


def _python(tree: Path) -> str:
    """Ours where both want the same packages."""
    if (tree / _LOCK).read_bytes() == (ROOT / _LOCK).read_bytes():
        return sys.executable
    _said(sys.executable, "make/environment.py", _LOCK, cwd=tree, otherwise=f"the environment of {tree.name}")
    return str(tree / ".venv" / "bin" / "python")


def _said(*words: str, otherwise: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoSuchVersion(f"{otherwise}: {(done.stderr or done.stdout).strip() or 'git knows no such commit'}")
    return done.stdout
