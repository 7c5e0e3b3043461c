"""What this process counted since it began.

The law: a counter only grows, and counting costs one dictionary increment, so the hot path may count everything.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping, MutableMapping
from enum import StrEnum

import structlog

_log = structlog.get_logger("counters")


class Count(StrEnum):
    """The names, in the glossary's words. Where a counter has a reason it is added as `name{reason}`."""

    EVENTS = "events"
    TOMBSTONES = "tombstones"
    POISON = "poison"
    NO_SUBSCRIBERS = "no_subscribers"
    DELIVERIES = "deliveries"
    DELIVERED = "deliveries_delivered"
    ATTEMPTS = "attempts"
    RETRIES = "retries"
    SPILLS = "spills"
    CHUNKS = "chunks"
    DEAD_LETTERS = "dead_letters"
    DROPPED = "dropped"
    REPEATS = "repeats_dropped"
    REPLAYS = "replays"
    COMMITS = "commits"
    COMMITS_FAILED = "commits_failed"
    PRODUCE_FAILED = "produce_failed"
    OFFSET_GAPS = "offset_gaps"
    SUBSCRIPTIONS_APPLIED = "subscriptions_applied"
    BUCKETS_REBUILT = "buckets_rebuilt"


class Counters:
    """A set of counters, filled by one thread and read by any."""

    def __init__(self) -> None:
        self._values: defaultdict[str, int] = defaultdict(int)

    def add(self, count: Count, number: int = 1, *, reason: str = "") -> None:
        """Count `number` more, under a reason where there are several."""
        self._values[f"{count}{{{reason}}}" if reason else count] += number

    def absorb(self, counts: MutableMapping[str, int]) -> None:
        """Add what a part without a clock counted by itself since it was last absorbed; it is left empty."""
        for name, number in counts.items():
            self._values[name] += number
        counts.clear()

    def snapshot(self) -> dict[str, int]:
        """All counters that ever counted, by name."""
        return {str(name): value for name, value in dict(self._values).items()}


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
