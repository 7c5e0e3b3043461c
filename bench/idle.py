"""What all roles of one machine cost while there is nothing to do: `python -m bench.idle`, under a minute.

The law: they run as `hookline run` runs them, and are measured from when all are ready and have come to rest. Memory is
each process's own and its share of what several have (PSS): so the sum is what the machine has less.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import needs
from bench.installation import Installation, ended, wait_until
from bench.process import cpu_s, pss_mb
from bench.services import services
from tests.services.server import free_port

REST_S: Final = 10.0
FOR_S: Final = 30.0
_READY_S: Final = 120.0
_PROCESSES: Final = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Of a role, or of the supervisor, or of all: the share of a core, and memory."""

    cpu_share: float
    pss_mb: float


def measure(installation: Installation) -> dict[str, Idle]:
    """By role, with `all` for the sum. One process of each role, and their supervisor.

    Raises:
        BenchError: they were not ready in time.
    """
    port = free_port()
    environment = installation.environment({"admin_listen": f"127.0.0.1:{port}", "processes": _PROCESSES})
    installation.folder.mkdir(parents=True, exist_ok=True)
    with (installation.folder / "idle.log").open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "consumer.cli.app", "run"],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=installation.folder,
        )
        try:
            wait_until(
                lambda: _answers(f"http://127.0.0.1:{port}/readyz"), within_s=_READY_S, what="all roles are ready"
            )
            time.sleep(REST_S)
            pids = _pids(port) | {"supervisor": supervisor.pid}
            before = {role: cpu_s(pid) for role, pid in pids.items()}
            began_s = time.monotonic()
            time.sleep(FOR_S)
            took_s = time.monotonic() - began_s
            found = {
                role: Idle(cpu_share=(cpu_s(pid) - before[role]) / took_s, pss_mb=pss_mb(pid))
                for role, pid in pids.items()
            }
        finally:
            ended(supervisor)
    total = Idle(
        cpu_share=sum(each.cpu_share for each in found.values()), pss_mb=sum(each.pss_mb for each in found.values())
    )
    return {**found, "all": total}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _pids(port: int) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5) as answer:
        return {each["role"]: each["pid"] for each in json.load(answer)["processes"]}


def main() -> None:
    """Measure, and show."""
    needs.install()
    with services() as around:
        installation = Installation(
            folder=around.folder / "idle",
            bootstrap=around.kafka.bootstrap,
            redis_url=around.redis.url(0),
            prefix="bench-idle.",
        )
        installation.create_topics()
        for role, idle in measure(installation).items():
            print(f"{role:<12} {idle.cpu_share:7.2%} of a core   {idle.pss_mb:6.1f} MB")


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    main()
