"""The look-up that reads ahead, in place of a thread with a consumer of its own.

The law is AheadReader's: what a look has seen it has seen without a gap, and it may have seen nothing.
"""

import random
from typing import Final

from consumer.delivery.step import LookAhead, SeenAhead
from tests.simulation.broker import Broker

_VAIN: Final = 0.05


class AheadReads:
    """Of one process."""

    def __init__(self, broker: Broker, dice: random.Random) -> None:
        self._broker = broker
        self._dice = dice

    def read(self, look: LookAhead) -> SeenAhead:
        """What lies there now."""
        log = self._broker.logs[look.partition]
        if look.offset > log.end or self._dice.random() < _VAIN:
            return SeenAhead(token=look.token, end=look.offset)
        most = self._dice.randrange(1, 40)
        read = log.read(max(look.offset, log.start), most)
        end = read[-1].offset + 1 if read else max(look.offset, log.start)
        records = tuple(each for each in read if each.key in look.keys)
        return SeenAhead(token=look.token, end=end, records=records, at_end=end == log.end)
