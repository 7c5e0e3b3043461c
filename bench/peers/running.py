"""A peer as a process: put together where that has to be, started on the core under test, ended by SIGTERM.

What is put together stays in the project's cache folder, so that a second run starts at once.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import cores
from bench.installation import ROOT, BenchError, ended

_CACHE: Final = ROOT / ".cache" / "bench"
_HERE: Final = Path(__file__).resolve().parent


def httpx() -> Sequence[str]:
    """Its command."""
    return [sys.executable, "-m", "bench.peers.with_httpx"]


def aiokafka() -> Sequence[str]:
    """Its command, in an environment of its own.

    Raises:
        BenchError: its packages could not be installed.
    """
    environment, lock = _CACHE / "aiokafka", _HERE / "requirements.lock"
    python, stamp = environment / "bin" / "python", environment / "lock"
    if not stamp.is_file() or stamp.read_text() != lock.read_text():
        _made([sys.executable, "-m", "venv", "--clear", str(environment)])
        _made([str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)])
        stamp.write_text(lock.read_text())
    return [str(python), "-m", "bench.peers.with_aiokafka"]


def go() -> Sequence[str]:
    """Its command, built.

    Raises:
        BenchError: there is no Go here, or it could not build it.
    """
    compiler = shutil.which("go")
    if compiler is None:
        raise BenchError("there is no Go here")
    built = _CACHE / "go-peer"
    _CACHE.mkdir(parents=True, exist_ok=True)
    _made([compiler, "build", "-o", str(built), "."], within=_HERE / "go")
    return [str(built)]


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[int]:
    """It, until the block ends; gives its process id.

    Raises:
        BenchError: it ended before, or badly.
    """
    with log.open("ab") as output, cores.starting_on(cores.UNDER_TEST):
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, stdout=output, stderr=output
        )
    try:
        yield process.pid
    finally:
        before = process.poll()
        code = ended(process)
    if before is not None or code != 0:
        raise BenchError(f"{command[0]} ended with {code}; it said:\n{log.read_text()[-2_000:]}")


def _made(command: Sequence[str], within: Path = ROOT) -> None:
    done = subprocess.run(command, cwd=within, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command[:3])} …: {done.stderr[-1_000:]}")
