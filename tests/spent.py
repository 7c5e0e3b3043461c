"""What a run costs, by who has done it: shares of a core over time, from what Linux tells of processes.

The law: a process that ends between two looks takes what it used since the first of them with it. All else is told.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")
_ROLE: Final = "consumer.roles.process"
KAFKA: Final = "Kafka"
REDIS: Final = "Redis"
_NAMED: Final = (
    ("kafka.Kafka", KAFKA),
    ("redis-server", REDIS),
    ("nginx", "nginx"),
    ("tests.chaos.receiver", "receivers"),
    ("tests.chaos.hostile", "the hostile"),
)
OTHERS: Final = "supervisors and commands"
RUN: Final = "the run itself"
IDLE: Final = "idle"
DISK: Final = "waiting for the disk"
_OF_MACHINE: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """By `at_ms` this process had used so much, `cpu_s` seconds of a core. What is not a process has no `pid`."""

    at_ms: int
    pid: int
    who: str
    cpu_s: float


def look(at_ms: int) -> list[Spent]:
    """All processes that this one has started, they started and so on; itself; and what the machine did not use."""
    found = [_process(at_ms, pid) for pid in (os.getpid(), *_descendants(os.getpid()))]
    idle, disk = _machine()
    return [
        *(each for each in found if each is not None),
        Spent(at_ms=at_ms, pid=_OF_MACHINE, who=IDLE, cpu_s=idle),
        Spent(at_ms=at_ms, pid=_OF_MACHINE, who=DISK, cpu_s=disk),
    ]


def shares(spent: Sequence[Spent], parts: int) -> dict[str, list[float]]:
    """Of a core, what each used in so many equal parts of the time, the first look to the last one. Pure."""
    times = sorted({each.at_ms for each in spent})
    if len(times) <= 1:
        return {}
    first_ms, length_ms = times[0], times[-1] - times[0]
    found: defaultdict[str, list[float]] = defaultdict(lambda: [0.0] * parts)
    before: dict[tuple[int, str], float] = {}
    for each in sorted(spent, key=lambda each: each.at_ms):
        place = (each.pid, each.who)
        used_s = each.cpu_s - before.get(place, each.cpu_s if each.at_ms == first_ms else 0.0)
        before[place] = each.cpu_s
        part = min(parts - 1, max(0, each.at_ms - first_ms - 1) * parts // length_ms)
        found[each.who][part] += used_s / (length_ms / parts / 1_000)
    return dict(found)


def _process(at_ms: int, pid: int) -> Spent | None:
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None  # it has just ended
    return Spent(at_ms=at_ms, pid=pid, who=_who(pid, words), cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS)


def _who(pid: int, words: Sequence[str]) -> str:
    if pid == os.getpid():
        return RUN
    if _ROLE in words:
        return words[words.index(_ROLE) + 1]
    line = " ".join(words)
    return next((name for part, name in _NAMED if part in line), OTHERS)


def _descendants(pid: int) -> Iterator[int]:
    tasks = _PROC / str(pid) / "task"
    with suppress(OSError):  # the process has just ended
        for thread in tasks.iterdir():
            with suppress(OSError):  # the thread has
                for child in (thread / "children").read_text().split():
                    yield int(child)
                    yield from _descendants(int(child))


def _machine() -> tuple[float, float]:
    line = (_PROC / "stat").read_text().partition("\n")[0].split()
    return int(line[4]) / _TICKS, int(line[5]) / _TICKS
