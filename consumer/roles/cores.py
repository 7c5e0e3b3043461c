"""How many cores the processes of this installation may use: what their control groups grant, not what the machine has.

The law: of all limits that apply (the cores this process may run on, and the quota of its control group and of each
group above it) the smallest counts, in whole cores, and one is always there. What cannot be read or understood limits
nothing.

https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max),
https://docs.kernel.org/scheduler/sched-bwc.html (version 1: cpu.cfs_quota_us, cpu.cfs_period_us)
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

Read: TypeAlias = Callable[[str], str | None]
"""The text of a file, None where there is none."""

_MEMBERSHIP: Final = "/proc/self/cgroup"
_MOUNTS: Final = "/sys/fs/cgroup"
_VERSION_2: Final = "0"


def granted() -> int:
    """The cores that this process may use, now."""
    runnable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores(_text, runnable)


def cores(read: Read, runnable: int) -> int:
    """The cores granted by the files that `read` gives, of `runnable` cores that the scheduler may choose from."""
    quotas = (quota for line in (read(_MEMBERSHIP) or "").splitlines() for quota in _quotas(read, line))
    return max(1, int(min([runnable, *quotas])))


def _quotas(read: Read, membership: str) -> Iterator[float]:
    """The quotas of one line `hierarchy:controllers:path`, from the process's own group up to the root's."""
    hierarchy, _, rest = membership.partition(":")
    controllers, _, path = rest.partition(":")
    if hierarchy == _VERSION_2:
        mounts, quota_of = [_MOUNTS], _quota_2
    elif "cpu" in controllers.split(","):
        mounts, quota_of = [f"{_MOUNTS}/{controllers}", f"{_MOUNTS}/cpu"], _quota_1
    else:
        return
    group = PurePosixPath("/", path)
    for mount in mounts:
        for each in (group, *group.parents):
            quota = quota_of(read, f"{mount}{each}".rstrip("/"))
            if quota is not None:
                yield quota


def _quota_2(read: Read, group: str) -> float | None:
    quota, _, period = (read(f"{group}/cpu.max") or "").strip().partition(" ")
    return _ratio(quota, period)


def _quota_1(read: Read, group: str) -> float | None:
    return _ratio(read(f"{group}/cpu.cfs_quota_us") or "", read(f"{group}/cpu.cfs_period_us") or "")


def _ratio(quota: str, period: str) -> float | None:
    """How much of a core it is; None where there is no limit: `max`, or -1."""
    try:
        given, of = int(quota), int(period)
    except ValueError:
        return None
    return given / of if given > 0 and of > 0 else None


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
