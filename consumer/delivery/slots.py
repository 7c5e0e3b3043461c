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

from msgspec.structs import replace

from consumer.delivery.account import Account
from consumer.delivery.delivery import Delivery
from consumer.delivery.lane import UNNAMED, Job, Lane
from consumer.delivery.schedule import Wait
from consumer.delivery.standings import Standings

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


class Slots:
    """Of one process, whose lanes are patient for so long."""

    def __init__(self, standings: Standings, patience_ms: float) -> None:
        self._standings = standings
        self._patience_ms = patience_ms

    def ahead(self, lane: Lane, job: Job, now_ms: int) -> Wait | None:
        """The wait of a job whose turn is ahead by what was given already, to it or to others before it."""
        account = None if lane.allowance is None else self._standings.account(lane.key[0])
        if account is None:  # what waits here is what its pace is to be known for
            account = self._standings.joined(lane, job.target.subscription)
        turn_ms = ahead_ms(job.delivery, account, now_ms)
        if turn_ms <= self._patience_ms or not lane.breaker.closed:
            return None
        return Wait(ms=turn_ms if job.delivery.slot_ms is not None else 0.0, on=job.delivery.slot_ms is not None)

    def slot_ms(self, lane: Lane, job: Job, wait: Wait, now_ms: int, until_ms: int) -> int:
        """When a job that this lane gave back has its turn; `until_ms` at the latest."""
        slot_ms = job.delivery.slot_ms
        if wait.on and slot_ms is not None:
            return min(slot_ms, until_ms)
        account = self._standings.joined(lane, job.target.subscription)
        self._standings.watch(account, now_ms)
        # What is queued before it here has its turn within the patience, or waits as it does.
        most_ms = wait.ms if lane.stand is UNNAMED else self._patience_ms
        busy_ms = max(lane.sleep_ms(now_ms), min(wait.ms, most_ms))
        return give(lane, account, now_ms=now_ms, busy_ms=busy_ms, until_ms=until_ms)

    def given_back(self, now_ms: int, delivery: Delivery) -> Delivery:
        """The same without its slot: it is to be started before that."""
        account = self._standings.account(delivery.subscription_id)
        if account is not None and account.lanes and delivery.slot_ms is not None and delivery.slot_ms > now_ms:
            account.slot_back(now_ms, rate_per_s(account.lanes[-1], account, now_ms))
        return replace(delivery, slot_ms=None)
