"""How long things took in this process, for the shell: histograms by their metric's name, made when first asked for.

The law: whoever observes often asks once and keeps what he got.
"""

from collections.abc import Mapping
from typing import TypeAlias

from consumer.telemetry.buckets import Buckets
from consumer.telemetry.catalogue import BY_NAME

_Series: TypeAlias = tuple[str, tuple[str, ...]]


class Distributions:
    """A series is filled by one thread, and all are read by any."""

    def __init__(self) -> None:
        self._series: dict[_Series, Buckets] = {}

    def of(self, name: str, *labels: str) -> Buckets:
        """The series of this metric with these labels."""
        buckets = self._series.get((name, labels))
        return self._series.setdefault((name, labels), Buckets(BY_NAME[name].bounds)) if buckets is None else buckets

    def snapshot(self) -> Mapping[_Series, Buckets]:
        """Every series that was observed, for a snapshot."""
        return dict(self._series)


distributions = Distributions()
"""The process's own."""
