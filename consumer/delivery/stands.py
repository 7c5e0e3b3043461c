"""Where each lane stands: whose turn is next, and who waits for what.

A lane with something to start is READY and stands in the round. Without room at its origin or in its tenant's share it
is BLOCKED there; kept back by its rate limit, a Retry-After or its breaker it is ASLEEP on the timer; until its host's
name is known it is UNNAMED; with as much under way as it may have it is IDLE until an answer comes.

The law: no lane stays BLOCKED where there is room, unless another lane of that origin or tenant is READY to take it.
"""

import heapq
from collections import deque
from itertools import count
from typing import TypeAlias

from consumer.delivery.lane import ASLEEP, BLOCKED, IDLE, READY, UNNAMED, Lane
from consumer.delivery.limit import Bulk, Origin, Share
from consumer.delivery.limits import LARGE_BYTES

Holder: TypeAlias = Origin | Share | Bulk


class Stands:
    """Of one process. `bulk` is what is under way of large bodies, `blocked` who waits for whose room."""

    def __init__(self, bulk: Bulk) -> None:
        self.bulk = bulk
        self.ready: deque[Lane] = deque()
        self.blocked: dict[Holder, deque[Lane]] = {}
        self._unnamed: dict[str, list[Lane]] = {}
        self._asleep: list[tuple[int, int, Lane]] = []
        self._order = count()

    @property
    def wake_ms(self) -> int | None:
        """When the next sleeping lane wakes."""
        return self._asleep[0][0] if self._asleep else None

    def wake(self, now_ms: int) -> None:
        """Those that have slept for long enough look again."""
        while self._asleep and self._asleep[0][0] <= now_ms:
            at_ms, _, lane = heapq.heappop(self._asleep)
            if lane.stand is ASLEEP and lane.asleep_until_ms == at_ms:
                self.rouse(lane)

    def stays(self, lane: Lane, now_ms: int) -> bool:
        """Whether a lane whose turn it is starts nothing. What it lacks decides where it stands."""
        if not lane.queue or not lane.has_room:
            return True
        sleep_ms = lane.sleep_ms(now_ms)
        if sleep_ms > 0:
            lane.stand = ASLEEP
            lane.asleep_until_ms = int(now_ms + sleep_ms)
            heapq.heappush(self._asleep, (lane.asleep_until_ms, next(self._order), lane))
            return True
        holder = lane.full or self.full_of_bulk(lane)
        if holder is not None:
            lane.stand = BLOCKED
            self.blocked.setdefault(holder, deque()).append(lane)
        return holder is not None

    def unname(self, lane: Lane) -> None:
        """Its host's name is not known yet."""
        lane.stand = UNNAMED
        self._unnamed.setdefault(lane.origin.host, []).append(lane)

    def renamed(self, host: str) -> None:
        """There is something to be said of this name: its lanes look again when it is their turn."""
        for lane in self._unnamed.pop(host, ()):
            self.rouse(lane)

    def turned(self, lane: Lane) -> None:
        """Another job is at its head than the one for which there was no room, or it had to sleep."""
        if lane.is_blocked or lane.stand is ASLEEP:
            self.rouse(lane)

    def rouse(self, lane: Lane) -> None:
        """It looks again, wherever it stood."""
        lane.stand = IDLE
        self.settle(lane)

    def settle(self, lane: Lane) -> None:
        """It joins the round if it stands nowhere, and has something to start and room for it."""
        if lane.stand is IDLE and lane.queue and lane.has_room:
            lane.stand = READY
            self.ready.append(lane)

    def unblock(self, left: Lane) -> None:
        """Room where a lane was goes to the next lane there that can use it, however it came about and who left it."""
        if not self.blocked:
            return
        for holder in (*left.holders, left.share.bulk, self.bulk):
            blocked = self.blocked.get(holder)
            while blocked and holder.has_room:
                lane = blocked.popleft()
                if not lane.is_blocked:
                    continue
                other = lane.full or self.full_of_bulk(lane)
                if other is not None:
                    self.blocked.setdefault(other, deque()).append(lane)
                    continue
                self.rouse(lane)
                if lane.stand is READY:
                    break
            if blocked is not None and not blocked:
                del self.blocked[holder]

    def full_of_bulk(self, lane: Lane) -> Bulk | None:
        """Where there is no room for the next request of this lane, whose body is large."""
        if not lane.queue or lane.queue[0].size <= LARGE_BYTES:
            return None
        return next((bulk for bulk in (lane.share.bulk, self.bulk) if not bulk.has_room), None)
