"""How often something took how long: a histogram with fixed bounds.

The law: one observation is a search among the bounds and two additions, so the hot path may make one for each delivery.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


class Buckets:
    """Filled by one thread and read by any. `counts` has one number more than there are bounds: for what is above all.

    A value that is a bound belongs below it, as Prometheus has it.
    """

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one that took so long."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def observe_all(self, values: list[float]) -> None:
        """The same of each of these, which are sorted on the way: of many one costs a fraction."""
        values.sort()
        counts, below, most = self.counts, 0, len(values)
        for number, bound in enumerate(self._bounds):
            to = bisect_right(values, bound, below)
            counts[number] += to - below
            if to == most:
                break  # nearly always at one of the first bounds
            below = to
        else:
            counts[-1] += most - below
        self.total += sum(values)
