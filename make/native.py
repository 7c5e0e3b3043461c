"""The native step (`native/`), built into .venv where Rust is; a run that finds it done does nothing.

Usage: native.py build | lint | test. Where cargo, a C compiler or the crates are not to be had, it says so in one line
and is content: Hookline works without. What is there and does not build, or is not as it should be, is an error.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = ROOT / "native"
CACHE: Final = ROOT / ".cache" / "native"
BIN: Final = ROOT / os.environ.get("VENV", ".venv") / "bin"
OLDEST: Final = (1, 85)  # as native/Cargo.toml says
WITHOUT: Final = "all works without the native step, and a delivery costs more CPU time"
_MANIFEST: Final = ("--locked", "--manifest-path", str(SOURCES / "Cargo.toml"))
_TESTED: Final = ("--package", "hookline-http", "--package", "hookline-delivery")  # what knows nothing of Python

# Tests run as what is shipped is built: most of the crates are then built once.
STEPS: Final = {
    "lint": (
        ("cargo", "fmt", "--all", "--check", "--manifest-path", str(SOURCES / "Cargo.toml")),
        ("cargo", "clippy", "--quiet", "--release", "--workspace", *_MANIFEST, "--", "--deny", "warnings"),
    ),
    "test": (("cargo", "test", "--quiet", "--release", *_TESTED, *_MANIFEST),),
}


def missing() -> str | None:
    """Why it cannot be built here; None where it can."""
    if _release() < OLDEST:
        return f"there is no Rust from {'.'.join(map(str, OLDEST))} on (cargo)"
    if shutil.which("cc") is None:
        return "there is no C compiler (cc)"
    if not _run("cargo", "fetch", "--quiet", *_MANIFEST):
        return "cargo cannot fetch the crates (its reason is above)"
    return None


def _release() -> tuple[int, ...]:
    """Cargo's; nothing where there is none that runs."""
    cargo = shutil.which("cargo")
    if cargo is None:
        return ()
    said = subprocess.run([cargo, "--version"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = re.match(r"cargo (\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else ()


def fingerprint() -> str:
    """What a build depends on."""
    digest = hashlib.sha256(sys.version.encode() + str(ROOT).encode())
    for path in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(SOURCES)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def stamp(step: str) -> Path:
    """The file that remembers of which sources a step was done. What was built is in .venv, and goes with it."""
    return BIN.parent / "native.sha256" if step == "build" else CACHE / f"{step}.sha256"


def build() -> bool:
    """Build the wheel and install it; whether that went well."""
    wheels = CACHE / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    maturin = (str(BIN / "maturin"), "build", "--quiet", "--release", "--out", str(wheels))
    if not _run(*maturin, "--interpreter", str(BIN / "python"), *_MANIFEST):
        return False
    pip = (str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index")
    return _run(*pip, "--no-deps", "--force-reinstall", *map(str, wheels.glob("*.whl")))


def _run(*command: str) -> bool:
    environment = os.environ | {"CARGO_TARGET_DIR": str(CACHE / "target")}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def main() -> int:
    """Do one step."""
    step = sys.argv[1]
    wanted = fingerprint()
    if stamp(step).is_file() and stamp(step).read_text() == wanted:
        return 0
    why = missing()
    if why is not None:
        if step == "build":
            print(f"native: {why}: {WITHOUT}", flush=True)
        return 0
    began = time.monotonic()
    done = build() if step == "build" else all(_run(*command) for command in STEPS[step])
    if not done:
        print(f"native: {step} failed (the reason is above)", file=sys.stderr)
        return 1
    stamp(step).write_text(wanted)
    print(f"native: {step} done in {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
