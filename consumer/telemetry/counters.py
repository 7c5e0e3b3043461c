"""What this process counted since it began.

The law: a counter only grows, and counting costs one dictionary increment, so the hot path may count everything.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping

import structlog

from consumer.telemetry.count import Count, reasoned

_log = structlog.get_logger("counters")


class Counters:
    """A set of counters, filled by one thread and read by any."""

    def __init__(self) -> None:
        self._values: defaultdict[str, int] = defaultdict(int)

    def add(self, count: Count, number: int = 1, *, reason: str = "") -> None:
        """Count `number` more, under a reason where there are several."""
        self._values[reasoned(count, reason) if reason else count] += number

    def absorb(self, counted: Mapping[str, int]) -> None:
        """Add what a part without a clock counted by itself."""
        for name, number in counted.items():
            self._values[name] += number

    def snapshot(self) -> dict[str, int]:
        """All counters that ever counted, by name."""
        return dict(self._values)


counters = Counters()
"""The process's own."""


def grown(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """What changed between two snapshots: name to increase."""
    return {name: value - before.get(name, 0) for name, value in now.items() if value != before.get(name, 0)}


def report(ended: threading.Event, *, every_s: float = 30.0, of: Counters = counters) -> None:
    """Log a line `counters` each `every_s` seconds in which something changed, and a last one when `ended` is set.

    Blocks until then: the body of a thread.
    """
    before: dict[str, int] = {}
    last = False
    while not last:
        last = ended.wait(every_s)
        now = of.snapshot()
        if increase := grown(before, now):
            _log.info("counters", total=now, increase=increase)
        before = now
