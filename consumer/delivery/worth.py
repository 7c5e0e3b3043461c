"""How much work a process is worth queueing for, and what of the queue it is not to blame for.

The law: a process that is itself the slow part consumes less; it does not spill what it took too early.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from consumer.delivery.lane import ASLEEP, UNNAMED, Lane
from consumer.delivery.limit import Origin, Share
from consumer.delivery.stands import Holder

SWEEP_EVERY_MS: Final = 250
# What is queued when a process dies is partly delivered: the less, the fewer duplicates. More than this gains no speed.
_WORTH_MS: Final = 500
_WORTH_LEAST, _WORTH_MOST = 256, 1_024
_KEPT_BACK: Final = frozenset({ASLEEP, UNNAMED})

OPEN: Final = "open"  # its breaker: the endpoint cannot be reached
KEPT_BACK: Final = "kept_back"  # by its rate limit or a Retry-After
SLOW: Final = "slow"  # it answers later than a delivery waits for its turn
IN_ORDER: Final = "in_order"
LANE_STATES: Final = (OPEN, KEPT_BACK, SLOW, IN_ORDER)


class Worth:
    """`departed` counts the requests that were started since this was last measured."""

    def __init__(self) -> None:
        self.departed = 0
        self._worth = _WORTH_LEAST
        self._stuck = 0

    def room(self, queued: int, most: int) -> int:
        """How many more deliveries may be queued, beside these and `most` at all: about half a second's work."""
        for_us = max(0, queued - self._stuck)
        return max(0, min(most - queued, self._worth - for_us))

    def measure(
        self, passed_ms: int, lanes: Iterable[Lane], blocked: Mapping[Holder, Collection[Lane]], looked: tuple[int, int]
    ) -> None:
        """Four times a second: what was started in that time, and which of the busy lanes are slow or wait for such.

        `looked` is when it is now, and when answers were looked for last.
        """
        self._worth = min(_WORTH_MOST, max(_WORTH_LEAST, self.departed * _WORTH_MS // max(1, passed_ms)))
        self.departed = 0
        slow = [lane for lane in lanes if lane.is_busy and _is_slow(lane, *looked)]
        held: Counter[Origin | Share] = Counter()
        for lane in slow:
            for holder in lane.holders:
                held[holder] += len(lane.flying)
        clogged = {holder for holder, flying in held.items() if flying * 2 > holder.flying}
        counted = set(slow)
        self._stuck = sum(len(lane.queue) for lane in slow) + sum(
            len(lane.queue) for holder in clogged for lane in blocked.get(holder, ()) if lane not in counted
        )


def states(lanes: Iterable[Lane], slow_ms: float, looked: tuple[int, int]) -> dict[str, int]:
    """How many of these lanes are in each state, each in the first that is true of it; `looked`: see `measure`."""
    found = dict.fromkeys(LANE_STATES, 0)
    for lane in lanes:
        found[_state(lane, slow_ms, looked)] += 1
    return found


def _state(lane: Lane, slow_ms: float, looked: tuple[int, int]) -> str:
    if not lane.breaker.closed:
        return OPEN
    if lane.stand is ASLEEP:
        return KEPT_BACK
    return SLOW if lane.slow_ms(*looked) > slow_ms else IN_ORDER


def _is_slow(lane: Lane, now_ms: int, looked_ms: int) -> bool:
    return lane.stand in _KEPT_BACK or lane.slow_ms(now_ms, looked_ms) > _WORTH_MS
