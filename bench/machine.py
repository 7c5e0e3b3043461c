"""Where and when a figure was measured."""

import os
import platform
import subprocess
import sysconfig
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypedDict

import confluent_kafka
import pycurl

from bench import cores
from bench.installation import ROOT

_OPTIMISATIONS: Final = ("--enable-optimizations", "--with-lto")
"""Debian's Pythons have both, and do not tell: its rules give them to make, and not to configure."""


class Machine(TypedDict):
    """`load_before`: the load average of the last minute before the run; a loaded machine makes poor figures.

    `python_built` are the optimisations that the interpreter was configured with, as far as it tells.
    """

    cores: int
    pinned: bool
    cpu: str
    kernel: str
    load_before: float
    python: str
    python_built: list[str]
    libraries: dict[str, str]
    commit: str
    date: str


def describe() -> Machine:
    """This machine, now."""
    return {
        "cores": os.cpu_count() or 1,
        "pinned": cores.pinned,
        "cpu": _cpu(),
        "kernel": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "python_built": [flag for flag in _OPTIMISATIONS if flag in (sysconfig.get_config_var("CONFIG_ARGS") or "")],
        "libraries": {
            "confluent-kafka": version("confluent-kafka"),
            "librdkafka": confluent_kafka.libversion()[0],
            "pycurl": version("pycurl"),
            "libcurl": pycurl.version_info()[1],
            "httpx": version("httpx"),
        },
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    """The commit, with a + when the tree differs from it."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"
