"""When a delivery that waits for its turn has it: the slot in its webhook's schedule.

A webhook's *horizon* is the end of what was already given: `max(horizon, now) + 1 / rate` with each slot. The rate is
what its endpoint takes a second from all processes together: its rate limit, or its pace times the requests it may have
at once, whichever is less. Where processes share what they know, the horizon and the pace are all of theirs
(`standing.py`); else each goes by its own.

The laws:
- slots of one webhook are at least `1 / rate` apart, and none is given where there is nothing to wait for;
- nothing is given of a time at which the delivery will have waited for too long: it comes back then, and is tried if
  its endpoint happens to have room.
"""

from typing import Final

from consumer.delivery.account import Account
from consumer.delivery.delivery import Delivery
from consumer.delivery.lane import Lane

_UNKNOWN_PER_S: Final = 1.0  # of one request at once, to an endpoint that has not answered yet


def rate_per_s(lane: Lane, account: Account, now_ms: int) -> float:
    """What the webhook's endpoint takes a second, as far as is known."""
    standing = account.standing
    known_per_s = 0.0 if standing is None or account.allowance.alone else standing.pace_per_s
    pace_per_s = known_per_s or lane.takes_per_s(now_ms) or lane.concurrency * _UNKNOWN_PER_S
    limit_per_s = account.allowance.rate_per_s
    return pace_per_s if limit_per_s is None else min(pace_per_s, limit_per_s)


def ahead_ms(delivery: Delivery, account: Account | None, now_ms: int) -> float:
    """How long its turn is ahead by what was already given: its own slot, or behind all others where it is new."""
    if delivery.slot_ms is not None:
        return delivery.slot_ms - now_ms
    if account is None or delivery.tier >= 0:
        return 0.0
    return account.horizon_ms(now_ms) - now_ms


def give(lane: Lane, account: Account, *, now_ms: int, busy_ms: float, until_ms: int) -> int:
    """The next slot, not before this process, busy for so long, could start it; `until_ms` if that is sooner."""
    free_ms = int(now_ms + busy_ms)
    if account.horizon_ms(free_ms) >= until_ms:
        return until_ms
    return min(until_ms, account.slot(free_ms, rate_per_s(lane, account, now_ms)))
