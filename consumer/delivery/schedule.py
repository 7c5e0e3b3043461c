"""When a delivery is tried again, and until when: the tiers of delay topics, and two clocks.

A delivery that is not tried now waits, for one of three things:

    a retry       after a failed attempt: the tier of the attempt's number
    its turn      its endpoint, or this process, has all it can take: until its slot, in the longest delay that is not
                  above the wait, and then for what remains
    its endpoint  that cannot be reached, and its breaker is open: one tier higher each time, so that few records are
                  written however long an outage lasts

The laws:
- waiting costs no attempt; jitter only adds; N delays give N + 1 attempts;
- a retry that would come after its time is over comes before, in the longest delay that fits;
- what waits for its endpoint only climbs; in the last tier it stays;
- of a wait for a turn at most `records_for` are written, however late each of them is read;
- one clock runs at a time. That of `retry_for_ms` begins with the first attempt, and stands while the delivery waits
  for its turn. That of `wait_for_ms` runs until the first attempt, and afterwards while it waits for its turn.

Tier 0 is `0s`, the spill topic; tiers 1..N are the delays.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from consumer.delivery.delivery import Delivery

_JITTER_SHARE = 10  # a tenth of the delay
_JITTER_MOST_MS = 300_000  # so that the default tiers, jitter included, still fit the 24 hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Why a delivery does not start now, and for about how long: its turn, or `unreachable`, its endpoint.

    `on`: it has a slot already, which has not come.
    """

    ms: float
    unreachable: bool = False
    on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`delays_ms[0]` is 0. `names` are the delays as written in the settings, `0s` first."""

    delays_ms: tuple[int, ...]
    names: tuple[str, ...]
    retry_for_ms: int
    wait_for_ms: int

    @property
    def last(self) -> int:
        """The highest tier."""
        return len(self.delays_ms) - 1

    # ── where ────────────────────────────────────────────────────────────────────────────────────────────────────

    def after_failure(self, attempts: int) -> int | None:
        """The tier after a failed attempt, or None when no attempt is left. `attempts` counts the failed one."""
        return attempts if attempts <= self.last else None

    def covering(self, wait_ms: float, *, above: int) -> int:
        """The lowest tier above `above` whose delay is at least `wait_ms`; the last one where there is none."""
        for tier in range(above + 1, self.last + 1):
            if self.delays_ms[tier] >= wait_ms:
                return tier
        return self.last

    def fitting(self, delivery_id: str, left_ms: int, *, least: int, most: int) -> int | None:
        """The highest of these tiers that is over for this delivery, jitter included, before `left_ms` are."""
        for tier in range(most, least - 1, -1):
            if self.delays_ms[tier] + self.jitter_ms(delivery_id, tier) < left_ms:
                return tier
        return None

    def for_wait(self, wait_ms: float, *, least: int) -> int:
        """The highest tier whose delay is not above `wait_ms`, and `least` where that is higher."""
        return max(min(least, self.last), bisect_right(self.delays_ms, wait_ms) - 1)

    def records_for(self, wait_ms: int) -> int:
        """The most records that are written for one wait of so long for one slot.

        As many of each delay as are less than the next one, one of the spill tier, and one where a slot is so near that
        no delay is short enough.
        """
        longest_ms = self.delays_ms[-1]
        below = sum((above_ms - 1) // delay_ms for delay_ms, above_ms in pairwise(self.delays_ms[1:]))
        return 2 + wait_ms // longest_ms + below

    def jitter_ms(self, delivery_id: str, tier: int) -> int:
        """What is added to the tier's delay for this delivery: spread evenly, the same whoever asks."""
        most = min(self.delays_ms[tier] // _JITTER_SHARE, _JITTER_MOST_MS)
        return int(delivery_id[:8], 16) % (most + 1)

    # ── until when ───────────────────────────────────────────────────────────────────────────────────────────────

    def tried_until_ms(self, delivery: Delivery, now_ms: int) -> int:
        """From when on it is expired instead of tried, if it waits for its turn until now and no longer."""
        if delivery.first_attempt_ms is None:
            return now_ms + self.retry_for_ms
        return delivery.first_attempt_ms + self.retry_for_ms + _waited_ms(delivery, now_ms)

    def waits_until_ms(self, delivery: Delivery, now_ms: int) -> int:
        """Until when it may wait for its turn, if it waits from now on."""
        if delivery.first_attempt_ms is None:
            return delivery.first_due_ms + self.wait_for_ms
        before_ms = delivery.first_attempt_ms - delivery.first_due_ms
        return now_ms + self.wait_for_ms - before_ms - _waited_ms(delivery, now_ms)

    def is_behind_for_good(self, delivery: Delivery, now_ms: int) -> bool:
        """Whether it stood in its key's line for as long as it may wait, and was not tried.

        Each head has its own time for retries: without this bound a key whose events all fail would keep what follows
        for longer than the log does.
        """
        return (
            delivery.order is not None
            and delivery.first_attempt_ms is None
            and now_ms >= self.waits_until_ms(delivery, now_ms)
        )

    def is_for_a_turn(self, delivery: Delivery, wait: Wait) -> bool:
        """Whose clock runs in this wait: that for waiting, or that for retries."""
        return not wait.unreachable or delivery.first_attempt_ms is None


def _waited_ms(delivery: Delivery, now_ms: int) -> int:
    """How long it has waited for its turn since its first attempt."""
    since_ms = delivery.waiting_since_ms
    return delivery.waited_ms + (0 if since_ms is None else max(0, now_ms - since_ms))
