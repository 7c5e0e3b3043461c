"""The broker's clock, estimated from the timestamps of acknowledged records.

The law: the estimate never runs ahead of the broker's clock, so nothing kept until a broker's time is early.

A record appended at `append_ms` (the broker's clock) was acknowledged at `acknowledged_at_ms` (ours), and the append
came first. So append - acknowledged <= skew, whatever the network did: each acknowledgement is a lower bound of the
skew, and the largest of a sliding window is the best one. The window slides because clocks drift and are set.
"""

from collections import deque
from typing import Final

WINDOW_MS: Final = 600_000
# Further apart no two clocks of one installation are; librdkafka's mock cluster says that everything was appended
# 1,234 ms after the epoch.
PLAUSIBLE_MS: Final = 86_400_000


ASK_AGAIN_MS: Final = WINDOW_MS // 2
_LONG_PAST_MS: Final = 0


class BrokerClock:
    """Lower bounds of the broker's clock minus ours, the largest first.

    Without any the broker's time is taken as long past: nothing is due. One that tells no time is taken to have ours.
    """

    __slots__ = ("_bounds", "_tells_nothing")

    def __init__(self) -> None:
        # (our time, bound), times rising and bounds falling: the head is the window's largest.
        self._bounds: deque[tuple[int, int]] = deque()
        self._tells_nothing = False

    def observe(self, acknowledged_at_ms: int, append_ms: int) -> None:
        """A record with LogAppendTime `append_ms` was acknowledged at our `acknowledged_at_ms`. Both since the epoch.

        Timestamps that a producer chose (CreateTime) say nothing of the broker's clock: they must not be given.
        """
        # Both are cut to whole milliseconds: it was acknowledged up to one later than ours says.
        bound = append_ms - acknowledged_at_ms - 1
        if abs(bound) > PLAUSIBLE_MS:
            self._tells_nothing = True
            return
        bounds = self._bounds
        if bounds and bounds[-1][0] > acknowledged_at_ms:
            bounds.clear()  # our clock was set back: what was measured by the old one is worth nothing
        while bounds and bounds[-1][1] <= bound:
            bounds.pop()
        bounds.append((acknowledged_at_ms, bound))
        while bounds[0][0] <= acknowledged_at_ms - WINDOW_MS:
            bounds.popleft()

    def is_old(self, our_now_ms: int) -> bool:
        """Whether it is time to write something and see when it was appended."""
        return not self._bounds or self._bounds[-1][0] <= our_now_ms - ASK_AGAIN_MS

    @property
    def skew_ms(self) -> int:
        """The broker's clock minus ours, at least."""
        return self._bounds[0][1] if self._bounds else 0

    def now_ms(self, our_now_ms: int) -> int:
        """What the broker's clock shows at our `our_now_ms`, or a little less."""
        if not self._bounds and not self._tells_nothing:
            return _LONG_PAST_MS
        return our_now_ms + self.skew_ms
