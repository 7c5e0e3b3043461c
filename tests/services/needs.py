"""What real services need is installed where that is allowed, and named where it is not; a container engine does too.

`python -m tests.services.needs`: with root rights and a known package manager the missing programs are installed;
otherwise exit 1 and a message that says which and how. `--browser` wants a Chromium besides.
"""

import os
import shutil
import subprocess
import sys

from tests.services import engine

# Package managers, and how each calls the packages of these programs.
MANAGERS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "apt-get": (
        ("install", "--yes", "--no-install-recommends"),
        {"redis-server": "redis-server", "java": "default-jre-headless", "mvn": "maven", "chromium": "chromium"},
    ),
    "dnf": (
        ("install", "--assumeyes"),
        {"redis-server": "redis", "java": "java-latest-openjdk-headless", "mvn": "maven", "chromium": "chromium"},
    ),
    "apk": (
        ("add",),
        {"redis-server": "redis", "java": "openjdk17-jre-headless", "mvn": "maven", "chromium": "chromium"},
    ),
}


HOW = (
    "  Debian, Ubuntu: apt-get install redis-server default-jre-headless maven chromium\n"
    "  Fedora:         dnf install redis java-latest-openjdk-headless maven chromium\n"
    "  Alpine:         apk add redis openjdk17-jre-headless maven chromium\n"
    "  macOS:          brew install redis openjdk maven, and brew install --cask chromium"
)
# As distributions call one.
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def missing(*, browser: bool = False) -> list[str]:
    """The programs that are not on the PATH, and have to be."""
    services = [program for program in ("redis-server", "java", "mvn") if shutil.which(program) is None]
    lacking = [] if engine.find() is not None else services
    return lacking + ["chromium"] * (browser and find_browser() is None)


def find_browser() -> str | None:
    """The path of a Chromium."""
    return next((path for name in BROWSERS if (path := shutil.which(name)) is not None), None)


def install(programs: list[str]) -> str | None:
    """Install them by the system's package manager; the manager used, None when there is none or we may not."""
    for name, (arguments, packages) in MANAGERS.items():
        path = shutil.which(name)
        if path is None or os.geteuid() != 0:
            continue
        print(f"tests: installing {', '.join(programs)} by {name} ...", flush=True)
        if name == "apt-get":
            subprocess.run([path, "update", "--quiet=2"], check=False)
        subprocess.run([path, *arguments, *(packages[program] for program in programs)], check=False)
        return name
    return None


def main(arguments: list[str]) -> int:
    """Bring in what is missing; the exit code."""
    browser = "--browser" in arguments
    if not (lacking := missing(browser=browser)):
        return 0
    install(lacking)
    if not (lacking := missing(browser=browser)):
        return 0
    print(f"tests: not found: {', '.join(lacking)}.", file=sys.stderr)
    if lacking != ["chromium"]:
        print("Real services need them, or Docker or Podman.", file=sys.stderr)
    print(f"To install:\n{HOW}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
