"""What real services need is installed where that is allowed, and named where it is not; a container engine does too.

`python -m tests.services.needs`: with root rights and a known package manager the missing programs are installed;
otherwise exit 1 and a message that says which and how.
"""

import os
import shutil
import subprocess
import sys

from tests.services import engine

# Package managers, and how each calls the packages of redis-server, java and mvn.
MANAGERS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "apt-get": (
        ("install", "--yes", "--no-install-recommends"),
        {"redis-server": "redis-server", "java": "default-jre-headless", "mvn": "maven"},
    ),
    "dnf": (
        ("install", "--assumeyes"),
        {"redis-server": "redis", "java": "java-latest-openjdk-headless", "mvn": "maven"},
    ),
    "apk": (("add",), {"redis-server": "redis", "java": "openjdk17-jre-headless", "mvn": "maven"}),
}


def missing() -> list[str]:
    """The programs that are not on the PATH."""
    return [program for program in ("redis-server", "java", "mvn") if shutil.which(program) is None]


def install(programs: list[str]) -> str | None:
    """Install them by the system's package manager; the manager used, None when there is none or we may not."""
    for name, (arguments, packages) in MANAGERS.items():
        path = shutil.which(name)
        if path is None or os.geteuid() != 0:
            continue
        print(f"services: installing {', '.join(programs)} by {name} ...", flush=True)
        if name == "apt-get":
            subprocess.run([path, "update", "--quiet=2"], check=False)
        subprocess.run([path, *arguments, *(packages[program] for program in programs)], check=False)
        return name
    return None


def main() -> int:
    """Bring in what is missing; the exit code."""
    lacking = missing()
    if not lacking or engine.find() is not None:
        return 0
    install(lacking)
    lacking = missing()
    if not lacking:
        return 0
    print(
        f"services: not found: {', '.join(lacking)}. Real services need them, or Docker or Podman. To install:\n"
        "  Debian, Ubuntu: apt-get install redis-server default-jre-headless maven\n"
        "  Fedora:         dnf install redis java-latest-openjdk-headless maven\n"
        "  Alpine:         apk add redis openjdk17-jre-headless maven\n"
        "  macOS:          brew install redis openjdk maven",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
