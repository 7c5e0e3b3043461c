"""What goes forward: what waits for a webhook, before it is due, because its endpoint can take it now.

    heard, told of a recovery ─► eager webhooks ─► turn by turn, as many as the lane has room for ─► like any other

Two things make a webhook eager. A *recovery*, which is its first success after its breaker was open, or after at least
two failures over a minute: then all that waits for it goes forward. Any other success while something of it waits for
its turn only (a spill, a slot): then its endpoint is faster than was thought, and only that goes forward.

The laws:
- what has failed goes forward only after a success that came after its failure, and once for each recovery: nothing is
  brought forward to find out whether an endpoint is back;
- what an endpoint answered, and refused, keeps its last attempt for its own time: the refusal may be for what it is,
  and it would otherwise be dead before its time. What was refused for being too much (429) waits as it was asked to;
- three failures in a row end it;
- no lane gets more than it could start soon, and all webhooks together leave a quarter of the process to what is due;
- what goes forward ends as it would have when due: only the time is another.
"""

import zlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.hold import Hold
from consumer.delivery.lane import Job
from consumer.delivery.order import Order
from consumer.delivery.outcome import TOO_MANY, Asked
from consumer.delivery.streak import Streak
from consumer.webhooks.subscription import Subscription

_FAILURES_MOST: Final = 3
_APART_MS: Final = 1_000  # webhooks that recover together begin within so long
_EAGER_FOR_MS: Final = 600_000  # since anything of it went forward
_AGAIN_MS: Final = 1_000  # until the next one of a webhook of which nothing is known here
_LOOKED_AT_MOST: Final = 64  # webhooks a turn
_KNOWN_MOST: Final = 50_000  # webhooks
_SAME_MS: Final = 1_000  # told of by others, a moment is not told exactly

Appetite = Callable[[Subscription, int], int]
"""How many more deliveries a webhook's lane could start soon."""


class _Eager:
    """`failed_before_ms`: of what has failed, what did so before then goes too; None for nothing of it."""

    __slots__ = ("again_ms", "begins_ms", "failed_before_ms", "failures", "subscription", "until_ms")

    def __init__(self, begins_ms: int, until_ms: int) -> None:
        self.failed_before_ms: int | None = None
        self.begins_ms = begins_ms
        self.again_ms = begins_ms
        self.until_ms = until_ms
        self.failures = 0
        self.subscription: Subscription | None = None


class Forward:
    """For one process: the webhooks of which things go forward, and those that fail. `attempts_most` of one delivery.

    What waits is what is held, and the heads of lines in the `order`. `appetite` is asked for a webhook's lane.
    """

    def __init__(self, hold: Hold, order: Order, appetite: Appetite, *, attempts_most: int) -> None:
        self._hold = hold
        self._order = order
        self._appetite = appetite
        self._attempts_most = attempts_most
        self._eager: OrderedDict[str, _Eager] = OrderedDict()
        self._now_ms = 0
        self._recovered: OrderedDict[str, int] = OrderedDict()
        self._failing: OrderedDict[str, Streak] = OrderedDict()

    def heard(self, job: Job, asked: Asked, now_ms: int) -> None:
        """A request came to its end; its lane has not learned from it yet."""
        if not self._hold.used and not self._order.waiting_heads.used:
            return
        subscription = job.target.subscription
        if not asked.success:
            self._failed(subscription.id, now_ms)
            return
        streak = self._failing.pop(subscription.id, None)
        is_back = streak is not None and streak.accepted(now_ms)
        if is_back or (job.lane is not None and not job.lane.breaker.closed):
            self.recovered(now_ms, subscription.id, now_ms)
        elif subscription.id not in self._eager and self._holds(subscription.id):
            self._eager[subscription.id] = _Eager(now_ms, now_ms + _EAGER_FOR_MS)
        eager = self._eager.get(subscription.id)
        if eager is not None:
            eager.failures = 0
            eager.subscription = subscription

    def recovered(self, now_ms: int, webhook: str, at_ms: int) -> None:
        """This webhook's endpoint was back at `at_ms`: as seen here, or told by others, perhaps more than once."""
        if not self._used or at_ms < self._recovered.get(webhook, 0) + _SAME_MS:
            return
        self._recovered[webhook] = at_ms
        self._recovered.move_to_end(webhook)
        if len(self._recovered) > _KNOWN_MOST:
            self._recovered.popitem(last=False)
        eager = self._eager.get(webhook)
        if eager is None:
            apart_ms = zlib.crc32(webhook.encode()) % _APART_MS
            eager = self._eager[webhook] = _Eager(now_ms + apart_ms, now_ms + _EAGER_FOR_MS)
        eager.failed_before_ms = at_ms
        self._hold.recovered(webhook)
        self._order.recovered(webhook)

    def take(self, now_ms: int, room: int) -> list[tuple[Entry, Delivery]]:
        """What goes forward now, at most `room` deliveries; webhooks take turns."""
        self._now_ms = now_ms
        taken: list[tuple[Entry, Delivery]] = []
        for _ in range(min(len(self._eager), _LOOKED_AT_MOST)):
            if len(taken) >= room:
                break
            webhook, eager = next(iter(self._eager.items()))
            self._eager.move_to_end(webhook)
            if now_ms >= eager.until_ms:
                del self._eager[webhook]
            elif now_ms >= eager.begins_ms:
                taken += self._of(webhook, eager, now_ms, room - len(taken))
        return taken

    def hungry(self, now_ms: int, most: int) -> list[str]:
        """The webhooks that have recovered, of which nothing more is held, and whose lanes have room."""
        hungry: list[str] = []
        for webhook, eager in self._eager.items():
            if len(hungry) >= most:
                break
            if eager.failed_before_ms is not None and not self._hold.holds(webhook) and self.room(webhook, now_ms) > 0:
                hungry.append(webhook)
        return hungry

    def room(self, webhook: str, now_ms: int) -> int:
        """How many deliveries of this webhook may go forward, wherever they are."""
        eager = self._eager.get(webhook)
        if eager is None or now_ms < eager.begins_ms:
            return 0
        if eager.subscription is None:
            return 1 if now_ms >= eager.again_ms else 0  # what becomes of it tells of its lane
        return self._appetite(eager.subscription, now_ms)

    def may(self, webhook: str, delivery: Delivery) -> bool:
        """Whether this one may go forward; it is taken to do so."""
        eager = self._eager.get(webhook)
        if eager is None or not self._may(eager, delivery):
            return False
        eager.again_ms, eager.until_ms = self._now_ms + _AGAIN_MS, self._now_ms + _EAGER_FOR_MS
        return True

    def wake_ms(self, now_ms: int) -> int | None:
        """When a webhook begins that waits for that alone; what waits for room hears of it by an answer."""
        if not self._eager:
            return None
        begins = (
            eager.begins_ms
            for webhook, eager in self._eager.items()
            if eager.begins_ms > now_ms and self._holds(webhook)
        )
        return min(begins, default=None)

    def _of(self, webhook: str, eager: _Eager, now_ms: int, room: int) -> list[tuple[Entry, Delivery]]:
        if not self._holds(webhook):
            if eager.failed_before_ms is None:
                del self._eager[webhook]  # its next success looks again
            return []
        room = min(room, self.room(webhook, now_ms))
        if room <= 0:
            return []
        taken = self._order.forward(webhook, room, lambda delivery: self._may(eager, delivery))
        taken += self._hold.forward(webhook, room - len(taken), lambda delivery: self._may(eager, delivery))
        if taken:
            eager.until_ms, eager.again_ms = now_ms + _EAGER_FOR_MS, now_ms + _AGAIN_MS
        return taken

    @property
    def _used(self) -> bool:
        return self._hold.used or self._order.used

    def _holds(self, webhook: str) -> bool:
        return self._hold.holds(webhook) or self._order.holds(webhook)

    def _may(self, eager: _Eager, delivery: Delivery) -> bool:
        if delivery.waits:
            return True
        if eager.failed_before_ms is None or (delivery.last_attempt_ms or 0) >= eager.failed_before_ms:
            return False
        if delivery.last_status == TOO_MANY:
            return False
        return delivery.last_status is None or delivery.attempts + 1 < self._attempts_most

    def _failed(self, webhook: str, now_ms: int) -> None:
        self._failing.setdefault(webhook, Streak()).failed(now_ms)
        self._failing.move_to_end(webhook)
        if len(self._failing) > _KNOWN_MOST:
            self._failing.popitem(last=False)
        eager = self._eager.get(webhook)
        if eager is not None:
            eager.failures += 1
            if eager.failures >= _FAILURES_MOST:
                del self._eager[webhook]
