"""What all roles of one machine cost while there is nothing to do: `python -m bench.idle`, under a minute.

The law: they run as `hookline run` runs them, on a core that the broker does not share, and are measured from when all
are ready and have come to rest. Memory is each process's own and its share of what several have (PSS): so the sum is
what the machine has less. What wakes a process is counted as well: with nothing to do that is nearly all that it does.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import cores
from bench.installation import BenchError, Installation, ended, wait_until
from bench.process import cpu_s, pss_mb, wakes
from bench.services import services
from tests.services.server import free_port

REST_S: Final = 10.0
FOR_S: Final = 30.0
_READY_S: Final = 120.0
_PROCESSES: Final = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Of a role, the supervisor, or all: the share of a core, memory, and how often a second a thread wakes."""

    cpu_share: float
    pss_mb: float
    wakes_per_s: float
    threads: Mapping[str, float] = field(default_factory=dict)
    """How often each wakes, by its name."""


def measure(installation: Installation) -> dict[str, Idle]:
    """By role, with `all` for the sum. One process of each role, and their supervisor.

    Raises:
        BenchError: they were not ready in time.
    """
    port = free_port()
    listen = {"admin_listen": f"127.0.0.1:{port}", "api_listen": f"127.0.0.1:{free_port()}"}
    environment = installation.environment({**listen, "processes": _PROCESSES})
    installation.folder.mkdir(parents=True, exist_ok=True)
    with (installation.folder / "idle.log").open("wb") as log, cores.starting_on(cores.UNDER_TEST):
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
            before = {role: (cpu_s(pid), wakes(pid)) for role, pid in pids.items()}
            began_s = time.monotonic()
            time.sleep(FOR_S)
            took_s = time.monotonic() - began_s
            found = {role: _used(pid, *before[role], took_s) for role, pid in pids.items()}
        except BenchError as error:
            log.flush()
            said = (installation.folder / "idle.log").read_text(errors="replace")[-2_000:]
            raise BenchError(f"{error}; its log ends with:\n{said}") from None
        finally:
            ended(supervisor)
    total = Idle(
        cpu_share=sum(each.cpu_share for each in found.values()),
        pss_mb=sum(each.pss_mb for each in found.values()),
        wakes_per_s=sum(each.wakes_per_s for each in found.values()),
    )
    return {**found, "all": total}


def _used(pid: int, cpu_before_s: float, wakes_before: Mapping[str, int], took_s: float) -> Idle:
    threads = {name: (number - wakes_before.get(name, 0)) / took_s for name, number in wakes(pid).items()}
    return Idle(
        cpu_share=(cpu_s(pid) - cpu_before_s) / took_s,
        pss_mb=pss_mb(pid),
        wakes_per_s=sum(threads.values()),
        threads={name: round(each, 1) for name, each in sorted(threads.items(), key=lambda pair: -pair[1])},
    )


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
    with services() as around:
        installation = Installation(
            folder=around.folder / "idle",
            bootstrap=around.kafka.bootstrap,
            redis_url=around.redis.url(0),
            prefix="bench-idle.",
        )
        installation.create_topics()
        for role, idle in measure(installation).items():
            told = f"{idle.cpu_share:7.2%} of a core   {idle.pss_mb:6.1f} MB   {idle.wakes_per_s:6.1f} wakes a second"
            print(f"{role:<12} {told}", flush=True)
            print(" " * 13 + ", ".join(f"{name} {each:g}" for name, each in idle.threads.items() if each))


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    main()
