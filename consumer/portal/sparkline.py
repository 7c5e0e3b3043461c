"""The last day as 24 bars: what was accepted below, what was not on top, latency as a line. Pure."""

from dataclasses import dataclass
from typing import Final

from consumer.portal.statistics import Day

WIDTH: Final = 96
HEIGHT: Final = 24
_STEP: Final = 4
_BAR: Final = 3
_LEAST: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One hour's, as rectangles: an accepted and a failed part."""

    x: int
    delivered_y: float
    delivered_height: float
    failed_y: float
    failed_height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """`line` are the points of the latency."""

    bars: tuple[Bar, ...]
    line: str
    delivered: int
    failed: int


def sparkline(day: Day | None) -> Sparkline | None:
    """Drawn; None: nothing is known."""
    if day is None:
        return None
    most = max((hour.delivered + hour.failed for hour in day.hours), default=0) or 1
    slowest = max((hour.mean_ms or 0.0 for hour in day.hours), default=0.0) or 1.0
    bars = tuple(_bar(number, hour.delivered, hour.failed, most) for number, hour in enumerate(day.hours))
    line = " ".join(
        f"{number * _STEP + _BAR / 2:g},{round(HEIGHT - hour.mean_ms / slowest * (HEIGHT - 2) - 1, 1):g}"
        for number, hour in enumerate(day.hours)
        if hour.mean_ms is not None
    )
    return Sparkline(bars=bars, line=line, delivered=day.delivered, failed=day.failed)


def _bar(number: int, delivered: int, failed: int, most: int) -> Bar:
    good, bad = _height(delivered, most), _height(failed, most)
    return Bar(
        x=number * _STEP,
        delivered_y=round(HEIGHT - good, 1),
        delivered_height=good,
        failed_y=round(HEIGHT - good - bad, 1),
        failed_height=bad,
    )


def _height(count: int, most: int) -> float:
    """A count of one is still to be seen beside a million."""
    return round(max(_LEAST, count / most * (HEIGHT - _LEAST)), 1) if count else 0.0
