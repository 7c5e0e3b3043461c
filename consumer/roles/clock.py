"""Our time, for the core: milliseconds since 1970, never going back.

The law: two readings never fall. The wall clock is followed forward at once, and backward by standing back slowly, so
that a clock set back freezes no timer. What others compare with their own clocks, as the time in a signature, is the
wall's.
"""

import time
from collections.abc import Callable

_SLEW = 0.5  # when ahead of the wall clock, run at half speed


class Clock:
    """One process's clock. `monotonic_s` is for how long something took or may take."""

    def __init__(
        self,
        wall_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall_s = wall_s
        self.monotonic_s = monotonic_s
        self._read_s = monotonic_s()
        self._now_s = wall_s()
        self._began_s = self._now_s - self._read_s

    def now_ms(self) -> int:
        """The time in milliseconds since 1970."""
        read_s, wall_s = self.monotonic_s(), self._wall_s()
        passed_s, self._read_s = read_s - self._read_s, read_s
        self._now_s = max(wall_s, self._now_s + passed_s * _SLEW)
        return int(self._now_s * 1_000)

    def wall_ms(self) -> int:
        """What the wall clock shows, as others read theirs; it may go back."""
        return int(self._wall_s() * 1_000)

    def steady_ms(self) -> int:
        """The wall clock of our start plus the time since: whoever sets the clock, this one does not notice."""
        return int((self._began_s + self.monotonic_s()) * 1_000)
