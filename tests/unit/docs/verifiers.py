"""The examples of docs/verify.md as programs: each language whose toolchain is installed here, made ready to run.

The law: what runs is the file that the page shows, beside a driver that only reads requests and prints verdicts.
"""

import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from tests.markdown import ROOT

EXAMPLES: Final = ROOT / "docs" / "examples" / "verify"
_DRIVERS: Final = Path(__file__).parent / "drivers"
_PATIENCE_S: Final = 120.0

Command: TypeAlias = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it comes to its receiver, who holds `secret`."""

    secret: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language: what must be installed, the file the page shows, and how it is made ready in a folder."""

    tools: tuple[str, ...]
    example: str
    ready: Callable[[Path], Command]


def verdicts(command: Command, asked: Sequence[Asked]) -> list[str]:
    """What an example makes of each request: verified, refused, or unusable for a secret that is none."""
    lines = "".join(
        "\t".join(b64encode(part).decode() for part in (each.secret.encode(), _lines(each.headers), each.body)) + "\n"
        for each in asked
    )
    return _run(command, given=lines).split()


def driven(interpreter: str, driver: str, example: str, *header: str) -> Command:
    """An example run by its language's interpreter; `header` is the only one it gets, by its value."""
    return [interpreter, str(_DRIVERS / driver), str(EXAMPLES / example), *header]


def _interpreted(interpreter: str, driver: str, example: str) -> Callable[[Path], Command]:
    return lambda _: driven(interpreter, driver, example)


def _go(folder: Path) -> Command:
    (folder / "webhook").mkdir()
    (folder / "go.mod").write_text("module drive\n\ngo 1.21\n")
    shutil.copy(EXAMPLES / "verify.go", folder / "webhook")
    shutil.copy(_DRIVERS / "drive.go", folder)
    _run(["go", "build", "-o", "drive", "."], at=folder)
    return [str(folder / "drive")]


def _java(folder: Path) -> Command:
    _run(["javac", "-d", str(folder), str(EXAMPLES / "Verify.java"), str(_DRIVERS / "Drive.java")])
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", str(folder), "Drive"]


LANGUAGES: Final = {
    "python": Language(tools=(), example="verify.py", ready=_interpreted(sys.executable, "drive.py", "verify.py")),
    "node": Language(tools=("node",), example="verify.mjs", ready=_interpreted("node", "drive.mjs", "verify.mjs")),
    "go": Language(tools=("go",), example="verify.go", ready=_go),
    "ruby": Language(tools=("ruby",), example="verify.rb", ready=_interpreted("ruby", "drive.rb", "verify.rb")),
    "php": Language(tools=("php",), example="verify.php", ready=_interpreted("php", "drive.php", "verify.php")),
    "java": Language(tools=("javac", "java"), example="Verify.java", ready=_java),
}
INSTALLED: Final = [name for name, each in LANGUAGES.items() if all(map(shutil.which, each.tools))]


def _lines(headers: Mapping[str, str]) -> bytes:
    return "\n".join(f"{name}: {value}" for name, value in headers.items()).encode()


def _run(command: Command, *, given: str = "", at: Path | None = None) -> str:
    # Go is not to look for a newer toolchain, nor for modules: the examples need none.
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "", "GOWORK": "off"}
    done = subprocess.run(
        command,
        cwd=at,
        input=given,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
