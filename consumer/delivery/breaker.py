"""The breaker of a lane: it spares an endpoint that cannot be reached, and us the waiting.

closed ──(THRESHOLD failures in a row)──► open ──(its time)──► half-open: one probe
   ▲                                        ▲                     │        │
   └───────────── probe answered ───────────┼─────────────────────┘        │
                                            └── probe failed, longer ──────┘

The laws: it counts connections refused, TLS failures, resets and timeouts, never an HTTP answer; while half-open it
lets exactly one request through. Where processes share what they know of a webhook (`shared`), that is one among all of
them; it is open here when it is anywhere, and an answer that anybody got closes it here, unless what failed here began
to fail after that.
"""

from collections.abc import Sequence

from consumer.delivery.standing import NOT_KNOWN_MS, Open, Standing

THRESHOLD = 5
_LEAST_MS = 1_000
_MOST_MS = 300_000
_SHARE = 10  # of the time that the endpoint was away for
_REMEMBERED_MS = 600_000  # for longer than it is open at most: who comes back once a tier finds it as it was


def open_times_ms(least_ms: int = _LEAST_MS, most_ms: int = _MOST_MS) -> tuple[int, ...]:
    """How long a breaker stays open: about a tenth of the time that the endpoint was away for, within these bounds.

    So who comes back soon is found soon, and who is away for a day is asked every five minutes.
    """
    times_ms, away_ms = [least_ms], least_ms
    while times_ms[-1] < most_ms:
        times_ms.append(min(most_ms, max(least_ms, away_ms // _SHARE)))
        away_ms += times_ms[-1]
    return tuple(times_ms)


class Breaker:
    """`times_ms` are how long it stays open: the first time, after one failed probe, and so on; the last repeats."""

    __slots__ = (
        "_answered_ms",
        "_asks",
        "_failed_ms",
        "_failing_ms",
        "_failures",
        "_may_probe",
        "_news",
        "_open_until_ms",
        "_times_ms",
        "level",
        "probing",
    )

    def __init__(self, times_ms: Sequence[int]) -> None:
        self._times_ms = times_ms
        self._failures = 0
        self._failing_ms = 0.0  # when the first of them came
        self._failed_ms = 0  # and the last
        self._answered_ms = 0  # when the last HTTP answer came
        self._open_until_ms = 0.0
        self._asks = False  # whether others share it
        self._may_probe = False  # and let this process send the probe
        self._news = False  # whether they do not know yet that it is open
        self.level = -1
        self.probing = False

    @property
    def closed(self) -> bool:
        """Nothing is wrong."""
        return self.level < 0

    @property
    def failing(self) -> bool:
        """Whether the last request was not answered."""
        return self._failures > 0

    @property
    def remembered_until_ms(self) -> float:
        """Until when it has something against its endpoint that is worth remembering; 0 when it has nothing."""
        if self.level < 0 and self._failures == 0:
            return 0
        return max(self._failed_ms, self._open_until_ms) + _REMEMBERED_MS

    def wait_ms(self, now_ms: int) -> float:
        """0 when a request may start now, otherwise for how long none may (while a probe is out: until the next)."""
        if self.closed:
            return 0
        if self.probing:
            return self._times_ms[self.level]
        wait_ms = self._open_until_ms - now_ms
        if wait_ms > 0:
            return wait_ms
        return NOT_KNOWN_MS if self.lacks(now_ms) else 0

    def lacks(self, now_ms: int) -> bool:
        """Whether a request waits for leave to be the probe."""
        return (
            self._asks
            and not self.closed
            and not self.probing
            and not self._may_probe
            and now_ms >= self._open_until_ms
        )

    # ── what happens to requests ─────────────────────────────────────────────────────────────────────────────────

    def started(self) -> bool:
        """A request was started; True when it is the probe."""
        if self.closed:
            return False
        self.probing = True
        self._may_probe = False
        return True

    def answered(self, now_ms: int) -> None:
        """An HTTP answer came, whatever its status."""
        self._answered_ms = now_ms
        if self._failures or self.level >= 0:
            self._close()

    def failed(self, now_ms: int, *, probe: bool) -> None:
        """A request ended without an HTTP answer. One that was under way before it opened tells nothing new."""
        self._failed_ms = now_ms
        if self._failures == 0:
            self._failing_ms = now_ms
        self._failures += 1
        if self.closed:
            if self._failures < THRESHOLD:
                return
        elif not probe:
            return
        self.probing = False
        self._news = True
        self.level = min(self.level + 1, len(self._times_ms) - 1)
        self._open_until_ms = now_ms + self._times_ms[self.level]

    def abandoned(self, *, probe: bool) -> None:
        """A request ended without telling anything (handed over, its partition lost): another may be the probe."""
        if probe:
            self.probing = False

    # ── what is shared ───────────────────────────────────────────────────────────────────────────────────────────

    def opened(self, now_ms: int) -> Open | None:
        """What the others do not know yet: that it is open, and how."""
        if self.closed or not self._news:
            return None
        return Open(level=self.level, for_ms=max(0.0, self._open_until_ms - now_ms))

    def failing_for_ms(self, now_ms: int) -> float | None:
        """Since when no request was answered."""
        return now_ms - self._failing_ms if self._failures else None

    def answered_for_ms(self, now_ms: int) -> float | None:
        """How long ago the last HTTP answer came."""
        return now_ms - self._answered_ms if self._answered_ms else None

    def heard(self, told_ms: int, asked_ms: float, standing: Standing) -> None:
        """What all processes knew at `asked_ms`, and of this one what it told at `told_ms`."""
        self._asks = True
        self._may_probe = standing.probe
        answered_ms = None if standing.answered_ms is None else asked_ms - standing.answered_ms
        if standing.level < 0:
            if answered_ms is not None and answered_ms >= self._failing_ms and self._failures:
                self._close()
            self._news = not self.closed
        elif self._answered_ms <= told_ms:
            self._news = self._news and self.level > standing.level
            self._failing_ms = self._failing_ms if self._failures else asked_ms
            self._failures = max(1, self._failures)
            self.level = max(self.level, min(standing.level, len(self._times_ms) - 1))
            self._open_until_ms = max(self._open_until_ms, asked_ms + standing.open_ms)

    def alone(self) -> None:
        """Nobody can be asked."""
        self._asks = False

    def _close(self) -> None:
        self._failures = 0
        self.level = -1
        self._open_until_ms = 0.0
        self.probing = False
        self._may_probe = self._news = False
