"""How many requests may be begun before commits prove to be accepted.

The law: what a crash would repeat grows no faster than that: from very few, doubled with each accepted commit, halved
for each while without one, down to a few. Very few again after trouble. So the backlog behind an outage, a start or a
rebalance is not delivered at full speed before its first commit.

After TCP's slow start (RFC 5681, section 3.1) and its decay while idle (RFC 2861 halves once for each retransmission
timeout), and as that timer (RFC 6298) takes a path to be slow and not broken: trouble is what takes four times as long
as commits took lately. What hangs is not waited for: when for a while nothing has ended that is not recorded, the next
round begins.
"""

from typing import Final

_AFTER_TROUBLE: Final = 8
_AFTER_CALM: Final = 32
MOST: Final = 4_096
_HANGS_AFTER_MS: Final = 100
_PROVEN_FOR_MS: Final = 250


class Pace:
    """Time in milliseconds, never going back. `begun` counts all requests ever begun.

    `proven_for_ms`, above 0: an accepted commit proves for so long, at least, that the next one will be.
    """

    def __init__(self, proven_for_ms: float = _PROVEN_FOR_MS) -> None:
        self.begun = 0
        self._window = _AFTER_TROUBLE
        self._recorded = 0  # of those begun, the ones that what is committed had seen begin
        self._begun_ms = 0
        self._accepted_ms = 0
        self._proven_least_ms = self._proven_for_ms = proven_for_ms

    def begin(self, now_ms: int, number: int) -> None:
        """So many requests were begun."""
        if number:
            self.begun += number
            self._begun_ms = now_ms

    def accepted(self, now_ms: int, begun: int, took_ms: float) -> None:
        """A commit was accepted after so long, of what had ended when so many had begun."""
        self._proven_for_ms = max(self._proven_least_ms, 4 * took_ms)
        self._window = min(MOST, 2 * self._window_at(now_ms))
        self._accepted_ms = now_ms
        self._recorded = begun

    def settled(self, now_ms: int) -> None:
        """Whatever has ended is committed."""
        if now_ms - self._begun_ms >= _HANGS_AFTER_MS:
            self._recorded = self.begun

    def waits(self, late_ms: float) -> None:
        """A commit has been wanted for so long."""
        if late_ms > self._proven_for_ms:
            self._window = _AFTER_TROUBLE

    def room(self, now_ms: int) -> int:
        """How many more may be begun."""
        return max(0, self._window_at(now_ms) - (self.begun - self._recorded))

    def _window_at(self, now_ms: int) -> int:
        unproven = int((now_ms - self._accepted_ms) / self._proven_for_ms)
        return min(self._window, max(_AFTER_CALM, self._window >> unproven))
