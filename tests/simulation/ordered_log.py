"""How far the role `retry` has come with the ordered topic, as the broker's logs and its group's commits tell.

The law is that of consumer.kafka.ordered_log: what is told was true when it was asked, and now and then nothing is.
"""

import random

from consumer.delivery.lined_up import OrderedLook, OrderedSeen, Seen, Unfinished, seen_of
from consumer.delivery.offsets import Partition
from tests.simulation.broker import Broker
from tests.simulation.faults import Faults


class OrderedLog:
    """Of one process."""

    def __init__(self, broker: Broker, faults: Faults, dice: random.Random, *, group: str, topic: str) -> None:
        self._broker = broker
        self._faults = faults
        self._dice = dice
        self._group = group
        self._topic = topic

    def look(self, look: OrderedLook) -> OrderedSeen:
        """As OrderedLog.look."""
        if self._faults.strikes(self._dice, 0.1):
            self._faults.met("ordered topic not looked at")
            return OrderedSeen(token=look.token)
        seen = tuple(self._seen(place, ends=look.ends) for place in self._broker.of([self._topic]))
        unfinished = None if look.read is None else self._unfinished(seen, *look.read)
        return OrderedSeen(token=look.token, partitions=seen, unfinished=unfinished)

    def _unfinished(self, seen: tuple[Seen, ...], number: int, end: int) -> Unfinished | None:
        if self._faults.strikes(self._dice, 0.3):
            self._faults.met("too much is unfinished")
            return None
        self._faults.met("the unfinished read")
        unfinished, log = Unfinished(seen[number]), self._broker.logs[self._topic, number]
        for record in log.records[: max(0, end - log.start)]:
            unfinished.meet(record.offset, record.key)
        return unfinished

    def _seen(self, place: Partition, *, ends: bool) -> Seen:
        log = self._broker.logs.get(place)
        end = 0 if log is None else log.end
        return seen_of(self._broker.committed.get((self._group, place)), end if ends else None)
