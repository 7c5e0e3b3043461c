"""The failures of an endpoint in a row, and whether an acceptance behind them is a recovery. Pure.

The law: a single failure, and failures within a minute, are no outage: nobody is told that the endpoint is back.
"""

from typing import Final

FAILURES_LEAST: Final = 2
FAILING_LEAST_MS: Final = 60_000
"""An endpoint has recovered that accepts something after so many failures in a row, the first of them so long ago."""
REMEMBERED_MS: Final = 86_400_000  # so that who gets an event an hour is found to be back, and the others hear of it


class Streak:
    """`failures` in a row until now; 0 where the last request was accepted, or none was sent."""

    __slots__ = ("_failed_ms", "_since_ms", "failures")

    def __init__(self) -> None:
        self.failures = 0
        self._since_ms = self._failed_ms = 0  # when the first of them was, and the last

    @property
    def fails(self) -> bool:
        """Whether the last requests were not accepted, whatever their answers."""
        return self.failures >= FAILURES_LEAST

    @property
    def remembered_until_ms(self) -> int:
        """Until when it must not be forgotten."""
        return self._failed_ms + REMEMBERED_MS if self.failures else 0

    def failed(self, now_ms: int) -> None:
        """One more."""
        if not self.failures:
            self._since_ms = now_ms
        self.failures += 1
        self._failed_ms = now_ms

    def accepted(self, now_ms: int) -> bool:
        """It is over. Whether the endpoint has recovered."""
        recovered = self.fails and now_ms - self._since_ms >= FAILING_LEAST_MS
        self.failures = 0
        return recovered
