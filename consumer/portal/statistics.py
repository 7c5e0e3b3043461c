"""The last day of a webhook, hour by hour, as far as it is known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from consumer.log.stats import Period, Stats, buckets


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """How many attempts were accepted and how many were not, and how long answers took on average."""

    delivered: int = 0
    failed: int = 0
    mean_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """24 hours, the latest last."""

    hours: tuple[Hour, ...]

    @property
    def delivered(self) -> int:
        """In all."""
        return sum(hour.delivered for hour in self.hours)

    @property
    def failed(self) -> int:
        """In all."""
        return sum(hour.failed for hour in self.hours)


class Statistics(Protocol):
    """Who counts."""

    def read(self, ids: Sequence[str]) -> Mapping[str, Day]:
        """The days of those of these webhooks that are known."""


class Counts(Protocol):
    """See `log/stats_store.py: StatsReader`."""

    def read_all(self, webhooks: Sequence[str]) -> Mapping[str, Sequence[Stats]]:
        """Of each of these webhooks of which all is known."""


class Counted:
    """What the role `log` counted. What it cannot tell right now is not known."""

    def __init__(self, counts: Counts, now_ms: Callable[[], int]) -> None:
        self._counts = counts
        self._now_ms = now_ms

    def read(self, ids: Sequence[str]) -> Mapping[str, Day]:
        """Of those that are known."""
        if not ids:
            return {}
        now_ms = self._now_ms()
        return {id_: day_of(parts, now_ms) for id_, parts in self._counts.read_all(ids).items()}


def day_of(parts: Sequence[Stats], now_ms: int) -> Day:
    """The 24 hours up to now. `parts` are of all partitions."""
    return Day(
        hours=tuple(
            Hour(delivered=each.delivered, failed=each.failed, mean_ms=each.mean_ms)
            for each in buckets(parts, Period.DAY, now_ms)
        )
    )
