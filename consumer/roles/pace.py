"""How many requests may be begun between two commits.

The law: what a crash would repeat grows no faster than commits prove to be accepted: from a few, doubled with each
one, and from a few again when none came for a while. So the backlog behind an outage, a start or a rebalance is not
delivered at full speed before its first commit.

After TCP's slow start (RFC 5681, section 3.1). What hangs is not waited for: when for a while nothing has ended that is
not recorded, the next round begins.
"""

from typing import Final

_FEW: Final = 32
MOST: Final = 4_096
_PROVEN_FOR_MS: Final = 250
_HANGS_AFTER_MS: Final = 100


class Pace:
    """Time in milliseconds, never going back."""

    def __init__(self) -> None:
        self._window = _FEW
        self._begun = 0
        self._begun_ms = 0
        self._accepted_ms: int | None = None

    def begun(self, now_ms: int, number: int) -> None:
        """So many requests were begun."""
        if number:
            self._begun += number
            self._begun_ms = now_ms

    def accepted(self, now_ms: int) -> None:
        """A commit was accepted."""
        self._window = min(MOST, 2 * self._window_at(now_ms))
        self._accepted_ms = now_ms
        self._begun = 0

    def recorded(self, now_ms: int) -> None:
        """Whatever has ended is committed, without anything new to commit."""
        if now_ms - self._begun_ms >= _HANGS_AFTER_MS:
            self._begun = 0

    def room(self, now_ms: int) -> int:
        """How many more may be begun."""
        return max(0, self._window_at(now_ms) - self._begun)

    def _window_at(self, now_ms: int) -> int:
        if self._accepted_ms is None or now_ms - self._accepted_ms > _PROVEN_FOR_MS:
            self._window = _FEW
        return self._window
