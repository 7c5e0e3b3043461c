"""When a delivery is tried again: the tiers of delay topics.

The laws: tiers only go up, so that few records are ever written for a delivery (in the last tier it stays); waiting
costs no attempt; jitter only adds. Tier 0 is `0s`, the spill topic; tiers 1..N are the delays, so N delays give N + 1
attempts.
"""

from dataclasses import dataclass

_JITTER_SHARE = 10  # a tenth of the delay
_JITTER_MOST_MS = 300_000  # so that the default tiers, jitter included, still fit the 24 hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`delays_ms[0]` is 0. `names` are the delays as written in the settings, `0s` first."""

    delays_ms: tuple[int, ...]
    names: tuple[str, ...]
    retry_for_ms: int

    @property
    def last(self) -> int:
        """The highest tier."""
        return len(self.delays_ms) - 1

    def after_failure(self, *, tier: int, attempts: int) -> int | None:
        """The tier after a failed attempt, or None when no attempt is left. `attempts` counts the failed one."""
        if attempts > self.last:
            return None
        return min(max(attempts, tier + 1), self.last)

    def covering(self, wait_ms: float, *, above: int) -> int:
        """The lowest tier above `above` whose delay is at least `wait_ms`; the last one where there is none."""
        for tier in range(above + 1, self.last + 1):
            if self.delays_ms[tier] >= wait_ms:
                return tier
        return self.last

    def jitter_ms(self, delivery_id: str, tier: int) -> int:
        """What is added to the tier's delay for this delivery: spread evenly, the same whoever asks."""
        most = min(self.delays_ms[tier] // _JITTER_SHARE, _JITTER_MOST_MS)
        return int(delivery_id[:8], 16) % (most + 1)

    def expires_ms(self, first_due_ms: int) -> int:
        """From when on the delivery is dead-lettered instead of tried."""
        return first_due_ms + self.retry_for_ms
