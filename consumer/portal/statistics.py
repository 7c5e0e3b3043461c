"""The last day of a webhook, hour by hour, as far as anybody counts it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


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


class NotCounted:
    """Nobody does."""

    def read(self, ids: Sequence[str]) -> Mapping[str, Day]:
        """Nothing."""
        del ids
        return {}
