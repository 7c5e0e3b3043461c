"""The look-up of what was left of the ordered topic, on the broker's logs.

The laws are those of consumer.kafka.again: of each stretch every record up to the end it tells, and now and then
nothing at all.
"""

import random
from collections.abc import Callable
from itertools import islice

from consumer.delivery.again import Again, Found, Look
from consumer.events.event import Record
from tests.simulation.broker import Broker
from tests.simulation.faults import Faults

_MOST = 64  # records looked at in one look


class LogAgain:
    """`given` is told of each record that goes to a core once more."""

    def __init__(self, broker: Broker, faults: Faults, dice: random.Random, given: Callable[[Record], None]) -> None:
        self._broker = broker
        self._faults = faults
        self._dice = dice
        self._given = given

    def answer(self, again: Again) -> Found:
        """As LogAgain.answer."""
        look = Look(again)
        if self._faults.strikes(self._dice, 0.05):
            self._faults.met("nothing read again")
            return look.found()
        log = self._broker.logs[again.window.partition]
        look.passed(log.start)
        begin = max(again.offset, log.start) - log.start
        for record in islice(log.records, begin, begin + self._dice.randrange(1, _MOST)):
            stretch = look.meet(record.offset, record.key)
            if stretch is not None:
                look.take(stretch, record)
                self._given(record)
        return look.found()
