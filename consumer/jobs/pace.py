"""How fast a job sends. Pure: the time is an argument, in monotonic seconds.

The law: in any t seconds at most `rate_per_s` times (t + 0.5) are let through, and of a rate below 2 one more than
`rate_per_s` times t. A batch is what a tenth of a second brings, one at least: so a low rate is even, and a stop is
noticed soon. A turn that comes late brings what it missed, of half a second at most.
"""

from typing import Final

_BATCH_S: Final = 0.1
_MOST_S: Final = 0.5


class Pace:
    """Lets deliveries through at a rate; the first ones at once."""

    def __init__(self, rate_per_s: int, now_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._least = max(1.0, rate_per_s * _BATCH_S)
        self._most = max(self._least, rate_per_s * _MOST_S)
        self._room = self._least
        self._at_s = now_s

    def due(self, now_s: float) -> int:
        """So many may go now; 0 until a batch is due."""
        self._room = min(self._most, self._room + max(0.0, now_s - self._at_s) * self._rate_per_s)
        self._at_s = max(self._at_s, now_s)
        # Sums of fractions fall short of a whole by a little.
        return int(self._room + 1e-6) if self._room + 1e-6 >= self._least else 0

    def sent(self, number: int) -> None:
        """So many went."""
        self._room -= number

    def wait_s(self) -> float:
        """How long after `due` was asked the next batch is due."""
        return max(0.0, (self._least - self._room) / self._rate_per_s)
