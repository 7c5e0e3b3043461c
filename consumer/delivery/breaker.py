"""The breaker of a lane: it spares an endpoint that cannot be reached, and us the waiting.

closed ──(THRESHOLD failures in a row)──► open ──(its time)──► half-open: one probe
   ▲                                        ▲                     │        │
   └───────────── probe answered ───────────┼─────────────────────┘        │
                                            └── probe failed, longer ──────┘

The law: it counts connections refused, TLS failures, resets and timeouts, never an HTTP answer; while half-open it
lets exactly one request through.
"""

from collections.abc import Sequence

THRESHOLD = 5
_REMEMBERED_MS = 600_000  # for longer than it is open at most: who comes back once a tier finds it as it was


class Breaker:
    """`times_ms` are how long it stays open: the first time, after one failed probe, and so on; the last repeats."""

    __slots__ = ("_failed_ms", "_failures", "_level", "_open_until_ms", "_probing", "_times_ms")

    def __init__(self, times_ms: Sequence[int]) -> None:
        self._times_ms = times_ms
        self._failures = 0
        self._failed_ms = 0  # when the last failure came
        self._level = -1
        self._open_until_ms = 0
        self._probing = False

    @property
    def closed(self) -> bool:
        """Nothing is wrong."""
        return self._level < 0

    @property
    def remembered_until_ms(self) -> int:
        """Until when it has something against its endpoint that is worth remembering; 0 when it has nothing."""
        if self._level < 0 and self._failures == 0:
            return 0
        return max(self._failed_ms, self._open_until_ms) + _REMEMBERED_MS

    def wait_ms(self, now_ms: int) -> int:
        """0 when a request may start now, otherwise for how long none may (while a probe is out: until the next)."""
        if self.closed:
            return 0
        if self._probing:
            return self._times_ms[self._level]
        return max(0, self._open_until_ms - now_ms)

    def started(self) -> bool:
        """A request was started; True when it is the probe."""
        if self.closed:
            return False
        self._probing = True
        return True

    def answered(self) -> None:
        """An HTTP answer came, whatever its status."""
        self._failures = 0
        self._level = -1
        self._probing = False

    def failed(self, now_ms: int, *, probe: bool) -> None:
        """A request ended without an HTTP answer. One that was under way before it opened tells nothing new."""
        self._failed_ms = now_ms
        if self.closed:
            self._failures += 1
            if self._failures < THRESHOLD:
                return
        elif not probe:
            return
        self._probing = False
        self._level = min(self._level + 1, len(self._times_ms) - 1)
        self._open_until_ms = now_ms + self._times_ms[self._level]

    def abandoned(self, *, probe: bool) -> None:
        """A request ended without telling anything (handed over, its partition lost): another may be the probe."""
        if probe:
            self._probing = False
