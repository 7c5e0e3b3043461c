"""What a process has used, from /proc: all its threads, librdkafka's too."""

import os
import statistics
import time
from contextlib import suppress
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_AFTER_NAME = 11  # utime's place among the fields that follow the name in parentheses


def cpu_s(pid: int) -> float:
    """User and system time so far, in seconds; a tick is 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_AFTER_NAME]) + int(fields[_AFTER_NAME + 1])) / _TICKS_A_SECOND


def wakes(pid: int) -> dict[str, int]:
    """How often each of its threads has slept and was woken so far, by name; those of one name together."""
    found: dict[str, int] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it ends meanwhile
            name = (task / "comm").read_text().strip()
            lines = (task / "status").read_text().splitlines()
            slept = next(line for line in lines if line.startswith("voluntary_ctxt_switches"))
            found[name] = found.get(name, 0) + int(slept.rpartition(":")[2])
    return found


def rss_mb(pid: int) -> float:
    """Resident memory now."""
    return _status_mb(pid, "VmRSS")


def peak_rss_mb(pid: int) -> float:
    """The most that was ever resident."""
    return _status_mb(pid, "VmHWM")


def pss_mb(pid: int) -> float:
    """Its own memory, and its share of what it has together with others."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pss":
            return int(value.split()[0]) / 1_024
    raise ProcessLookupError(f"process {pid} has ended")


def _status_mb(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) / 1_024
    raise ProcessLookupError(f"process {pid} has ended")


class Use:
    """What a process uses between two moments."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._cpu_s = cpu_s(pid)
        self._rss_mb: list[float] = []
        self.began_s = time.monotonic()

    def look(self) -> None:
        """One more sample of its memory."""
        self._rss_mb.append(rss_mb(self._pid))

    @property
    def cpu_s(self) -> float:
        """Since the beginning."""
        return cpu_s(self._pid) - self._cpu_s

    @property
    def steady_mb(self) -> float:
        """The middle one of the samples."""
        return statistics.median(self._rss_mb)
