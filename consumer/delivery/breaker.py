"""The breaker of a lane: it spares an endpoint that cannot be reached, and us the waiting.

closed ──(THRESHOLD failures in a row)──► open ──(its time)──► half-open: one probe
   ▲                                        ▲                     │        │
   └───────────── probe answered ───────────┼─────────────────────┘        │
                                            └── probe failed, longer ──────┘

A *new* delivery, which nobody has tried yet and which has not waited for its endpoint either, need not wait for the
open time: it may be the probe `EARLY_MS` after the last one failed, or as long after it as that one took. Such an early
probe that fails changes nothing but when the next early one may go.

The laws: it counts connections refused, TLS failures, resets and timeouts, never an HTTP answer; while half-open it
lets exactly one request through, early or not; the early ones of a process have a bound (`Early`). Where processes
share what they know of a webhook (`shared`), that is one among all of them; it is open here when it is anywhere, and an
answer that anybody got closes it here, unless what failed here began to fail after that.
"""

from collections.abc import Sequence

from consumer.delivery.standing import NOT_KNOWN_MS, Open, Standing

THRESHOLD = 5
EARLY_MS = 1_500  # less than a lane's patience: what is new waits in its lane for it
_SECOND_MS = 1_000
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


class Early:
    """The early probes of one process: at most so many are under way, and begun within a second."""

    __slots__ = ("_begun", "_most", "_second", "flying")

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = 0
        self._begun = 0
        self.flying = 0

    def has_room(self, now_ms: int) -> bool:
        """Whether one more may begin."""
        return self.flying < self._most and (self._begun < self._most or now_ms // _SECOND_MS != self._second)

    def begin(self, now_ms: int) -> None:
        """One more is under way."""
        if now_ms // _SECOND_MS != self._second:
            self._second, self._begun = now_ms // _SECOND_MS, 0
        self._begun += 1
        self.flying += 1

    def end(self) -> None:
        """One of them is over."""
        self.flying -= 1


class Breaker:
    """`times_ms` are how long it stays open: the first time, after one failed probe, and so on; the last repeats."""

    __slots__ = (
        "_asks",
        "_early",
        "_early_from_ms",
        "_failed_ms",
        "_failing_ms",
        "_is_early",
        "_may_probe",
        "_news",
        "_open_until_ms",
        "_times_ms",
        "answered_ms",
        "failures",
        "level",
        "probing",
    )

    def __init__(self, times_ms: Sequence[int], early: Early) -> None:
        self._times_ms = times_ms
        self._early = early
        self._early_from_ms = 0.0  # from then on a new delivery may be the probe
        self._is_early = False  # whether the probe under way is such a one
        self.failures = 0  # in a row
        self._failing_ms = 0.0  # when the first of them came
        self._failed_ms = 0  # and the last
        self.answered_ms = 0  # when the last HTTP answer came
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
        return self.failures > 0

    @property
    def remembered_until_ms(self) -> float:
        """Until when it has something against its endpoint that is worth remembering; 0 when it has nothing."""
        if self.level < 0 and self.failures == 0:
            return 0
        return max(self._failed_ms, self._open_until_ms) + _REMEMBERED_MS

    def wait_ms(self, now_ms: int, *, new: bool = False) -> float:
        """0 when a request may start now, otherwise for how long none may (while a probe is out: until the next).

        `new`: it is for a delivery that has not waited for this endpoint yet.
        """
        if self.closed:
            return 0
        if self.probing:
            return self._times_ms[self.level]
        wait_ms = self._from_ms(now_ms, new=new) - now_ms
        if wait_ms > 0:
            return wait_ms
        return NOT_KNOWN_MS if self.lacks(now_ms, new=new) else 0

    def lacks(self, now_ms: int, *, new: bool = False) -> bool:
        """Whether a request waits for leave to be the probe."""
        return (
            self._asks
            and not self.closed
            and not self.probing
            and not self._may_probe
            and now_ms >= self._from_ms(now_ms, new=new)
        )

    def _from_ms(self, now_ms: int, *, new: bool) -> float:
        """From when on a request may be the probe."""
        if new and self._early.has_room(now_ms):
            return min(self._open_until_ms, self._early_from_ms)
        return self._open_until_ms

    # ── what happens to requests ─────────────────────────────────────────────────────────────────────────────────

    def started(self, now_ms: int) -> bool:
        """A request was started; True when it is the probe."""
        if self.closed:
            return False
        self.probing = True
        self._may_probe = False
        self._is_early = now_ms < self._open_until_ms
        if self._is_early:
            self._early.begin(now_ms)
        return True

    def answered(self, now_ms: int) -> None:
        """An HTTP answer came, whatever its status."""
        self.answered_ms = now_ms
        if self.failures or self.level >= 0:
            self._close()

    def failed(self, now_ms: int, *, probe: bool, took_ms: int = 0) -> None:
        """A request ended without an HTTP answer, after so long.

        One that was under way before it opened tells nothing new.
        """
        self._failed_ms = now_ms
        if self.failures == 0:
            self._failing_ms = now_ms
        self.failures += 1
        if self.closed:
            if self.failures < THRESHOLD:
                return
        elif not probe:
            return
        was_early = self._is_early
        self._probe_is_over()
        self._news = True
        self._early_from_ms = now_ms + max(EARLY_MS, took_ms)
        if was_early:
            return
        self.level = min(self.level + 1, len(self._times_ms) - 1)
        self._open_until_ms = now_ms + self._times_ms[self.level]

    def abandoned(self, *, probe: bool) -> None:
        """A request ended without telling anything (handed over, its partition lost): another may be the probe."""
        if probe:
            self._probe_is_over()

    # ── what is shared ───────────────────────────────────────────────────────────────────────────────────────────

    def opened(self, now_ms: int) -> Open | None:
        """What the others do not know yet: that it is open, and how."""
        if self.closed or not self._news:
            return None
        return Open(
            level=self.level,
            for_ms=max(0.0, self._open_until_ms - now_ms),
            early_ms=max(0.0, self._early_from_ms - now_ms),
        )

    def failing_for_ms(self, now_ms: int) -> float | None:
        """Since when no request was answered."""
        return now_ms - self._failing_ms if self.failures else None

    def answered_for_ms(self, now_ms: int) -> float | None:
        """How long ago the last HTTP answer came."""
        return now_ms - self.answered_ms if self.answered_ms else None

    def heard(self, told_ms: int, asked_ms: float, standing: Standing) -> None:
        """What all processes knew at `asked_ms`, and of this one what it told at `told_ms`."""
        self._asks = True
        self._may_probe = standing.probe
        answered_ms = None if standing.answered_ms is None else asked_ms - standing.answered_ms
        if standing.level < 0:
            if answered_ms is not None and answered_ms >= self._failing_ms and self.failures:
                self._close()
            self._news = not self.closed
        elif self.answered_ms <= told_ms:
            self._news = self._news and (self.level > standing.level or self._failed_ms > told_ms)
            self._failing_ms = self._failing_ms if self.failures else asked_ms
            self.failures = max(1, self.failures)
            self.level = max(self.level, min(standing.level, len(self._times_ms) - 1))
            self._open_until_ms = max(self._open_until_ms, asked_ms + standing.open_ms)
            self._early_from_ms = max(self._early_from_ms, asked_ms + standing.early_ms)

    def alone(self) -> None:
        """Nobody can be asked."""
        self._asks = False

    def _close(self) -> None:
        self.failures = 0
        self.level = -1
        self._open_until_ms = self._early_from_ms = 0.0
        self._probe_is_over()
        self._may_probe = self._news = False

    def _probe_is_over(self) -> None:
        self.probing = False
        if self._is_early:
            self._early.end()
            self._is_early = False
