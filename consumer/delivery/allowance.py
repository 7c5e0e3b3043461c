"""What one process may start of one limited webhook: what it was given, or its share where nobody gives any.

The laws:
- while it is given permits and places, a start takes one permit whose time has come, and no more are under way than
  there are places; a lease that was not renewed in `LEASE_FOR_MS` has no places;
- alone it starts no more than its share of the rate, and has its share of the places, or one.
"""

from collections import deque
from dataclasses import replace
from math import ceil

from consumer.delivery.standing import AHEAD_MS, LEASE_FOR_MS, NOT_KNOWN_MS, Permits

_MANY = 2**31


class Allowance:
    """Limits, and what of them is this process's. `alone`: nobody is asked, so each of `processes` has its share."""

    __slots__ = (
        "_again_ms",
        "_end_ms",
        "_free",
        "_next_ms",
        "_permits",
        "_places",
        "_places_until_ms",
        "alone",
        "flying",
        "max_concurrency",
        "processes",
        "rate_per_s",
        "starts",
    )

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone
        self.processes = 1
        self.rate_per_s: float | None = None
        self.max_concurrency: int | None = None
        self.flying = 0
        self.starts = 0  # since they were last reported
        self._permits: deque[Permits] = deque()  # their `first_ms` on our clock
        self._free = False  # others have seen that there is no rate limit any more
        self._end_ms = 0.0  # when what is known to be given is used up
        self._next_ms = 0.0  # of its own share
        self._again_ms = 0.0  # not worth asking before
        self._places = 0
        self._places_until_ms = 0.0

    def limited(self, rate_per_s: float | None, max_concurrency: int | None) -> bool:
        """Take these limits from now on. True when they are others: the waits of the old ones are over."""
        if (rate_per_s, max_concurrency) == (self.rate_per_s, self.max_concurrency):
            return False
        self.rate_per_s = rate_per_s
        self.max_concurrency = max_concurrency
        self._permits.clear()
        self._next_ms = self._again_ms = self._end_ms = 0.0
        self._free = False
        return True

    # ── what may start ───────────────────────────────────────────────────────────────────────────────────────────

    def wait_ms(self, now_ms: int) -> float:
        """0 when a request may start, else for how long none may, as far as is known."""
        return max(self._permit_in_ms(now_ms), 0.0 if self.flying < self.places(now_ms) else NOT_KNOWN_MS)

    def lacks(self, now_ms: int) -> bool:
        """Whether a start waits for what has to be asked for, and it is worth asking."""
        if self.alone or now_ms < self._again_ms:
            return False
        return self.flying >= self.places(now_ms) or (self._is_rated and self.permits(now_ms) == 0)

    def places(self, now_ms: int) -> float:
        """How many requests may be under way here."""
        if self.max_concurrency is None:
            return float("inf")
        if self.alone:
            return max(1, self.max_concurrency // self.processes)
        return self._places if now_ms < self._places_until_ms else 0

    def permits(self, now_ms: int) -> int:
        """How many permits it has that are not void."""
        self._drop_void(now_ms)
        return sum(each.number for each in self._permits)

    def started(self, now_ms: int) -> None:
        """A request starts."""
        self.flying += 1
        self.starts += 1
        if self.rate_per_s is None:
            return
        if self._permits:
            self._skip(1)
        elif not self._free:
            self._next_ms = max(self._next_ms, now_ms) + 1_000 * self.processes / self.rate_per_s

    def ended(self) -> None:
        """A request is not under way any more."""
        self.flying -= 1

    @property
    def kept_until_ms(self) -> float:
        """Until when what it knows of its rate keeps anything back."""
        return max(self._next_ms, self._again_ms)

    @property
    def leased(self) -> bool:
        """Whether it has places that others might want."""
        return self.max_concurrency is not None and 0 < self._places < _MANY

    # ── what is given ────────────────────────────────────────────────────────────────────────────────────────────

    def shrink(self, wish: int) -> int:
        """Keep no more places than are wanted. Returns how many it goes by until it is given others."""
        self._places = min(self._places, wish)
        return self._places

    def given(self, asked_ms: float, permits: Permits | None, places: int | None) -> None:
        """What it was given, by a standing that was asked for then."""
        self.alone = False
        self._again_ms = 0.0
        self._places = _MANY if places is None else places
        self._places_until_ms = asked_ms + LEASE_FOR_MS
        self._free = permits is None
        if permits is None:
            return
        first_ms = asked_ms + permits.first_ms
        self._end_ms = max(self._end_ms, first_ms + permits.number * permits.gap_ms)
        if permits.number == 0:
            self._again_ms = first_ms
        else:
            self._permits.append(replace(permits, first_ms=first_ms))

    def leave_alone(self, now_ms: int) -> None:
        """Nobody gives any: from now on it goes by its share, once all that was given to anybody is used up."""
        if not self.alone:
            self.alone = True
            self._free = False
            self._next_ms = max(self._end_ms, now_ms + AHEAD_MS)

    @property
    def _is_rated(self) -> bool:
        return self.rate_per_s is not None and not self._free

    def _permit_in_ms(self, now_ms: int) -> float:
        if not self._is_rated:
            return 0.0
        if self.permits(now_ms):
            in_ms = self._permits[0].first_ms - now_ms
        elif self.alone:
            in_ms = self._next_ms - now_ms
        else:
            return max(NOT_KNOWN_MS, self._again_ms - now_ms)
        return in_ms if in_ms >= 1 else 0.0  # the clock counts whole milliseconds

    def _drop_void(self, now_ms: int) -> None:
        while self._permits:
            first = self._permits[0]
            void = ceil((now_ms - first.for_ms - first.first_ms) / first.gap_ms)
            if void <= 0:
                return
            self._skip(min(void, first.number))

    def _skip(self, number: int) -> None:
        first = self._permits.popleft()
        if number < first.number:
            rest_ms = first.first_ms + number * first.gap_ms
            self._permits.appendleft(replace(first, number=first.number - number, first_ms=rest_ms))
