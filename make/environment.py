"""`.venv` holds exactly what the lock names; a second run that finds it so changes nothing.

Usage: environment.py [LOCK]. Needs nothing but a Python: `make demo` must work where there is only Python and make. Any
Python 3.8 may run this file; the environment itself is made with the first one found that is new enough. The variable
VENV names another folder than `.venv`, below the checkout.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / os.environ.get("VENV", ".venv")
PYTHON = VENV / "bin" / "python"
# Each holds everything the one before it holds.
LOCKS = ("requirements.lock", "requirements-dev.lock")


def python() -> str:
    """The Python to build on: this one, or the newest supported one on the PATH.

    Raises:
        SystemExit: there is none.
    """
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in (13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    raise SystemExit(
        "Hookline needs Python 3.11 or newer and this one is {}.{}. "
        "Install one, or name it: make PYTHON=/path/to/python3".format(*sys.version_info[:2])
    )


def fingerprint(lock: str) -> str:
    """What an environment made from `lock` depends on."""
    digest = hashlib.sha256()
    for name in (lock, "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    # An editable install remembers where the checkout is.
    digest.update(str(ROOT).encode())
    return digest.hexdigest()


def stamp(lock: str) -> Path:
    """The file that remembers which lock the environment was made from."""
    return VENV / (lock + ".sha256")


def current(lock: str) -> bool:
    """Whether the environment already holds what `lock` names."""
    if not stamp(lock).is_file() or stamp(lock).read_text() != fingerprint(lock):
        return False
    # The Python it was built on may be gone since.
    return PYTHON.exists() and subprocess.run([str(PYTHON), "-c", ""], check=False).returncode == 0


def pip(*arguments: str) -> None:
    """Install, with the environment's own pip, however old it is.

    Raises:
        SystemExit: pip failed; what it said is above.
    """
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, cwd=str(ROOT), check=False).returncode != 0:
        raise SystemExit("setup: pip could not install (its reason is above)")


def build(lock: str) -> None:
    """Make the environment from `lock`.

    Raises:
        SystemExit: a step failed, with what to do about it.
    """
    if not PYTHON.exists() or subprocess.run([str(PYTHON), "-c", ""], check=False).returncode != 0:
        made = subprocess.run([python(), "-m", "venv", "--clear", str(VENV)], check=False)
        if made.returncode != 0:
            raise SystemExit(
                f"setup: Python could not make {VENV.name}; on Debian and Ubuntu: apt-get install python3-venv"
            )
    for each in LOCKS:
        stamp(each).unlink(missing_ok=True)
    pip("--require-hashes", "-r", lock)
    pip("--no-deps", "--no-build-isolation", "-e", ".")
    for each in LOCKS[: LOCKS.index(lock) + 1]:
        stamp(each).write_text(fingerprint(each))


def main() -> None:
    """Bring the environment up to date."""
    lock = sys.argv[1] if len(sys.argv) > 1 else LOCKS[0]
    if current(lock):
        return
    began = time.monotonic()
    count = sum("==" in line for line in (ROOT / lock).read_text().splitlines())
    print(f"setup: {VENV.relative_to(ROOT)} from {lock}, up to {count} packages ...", flush=True)
    build(lock)
    print(f"setup: ready in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
