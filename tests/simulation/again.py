"""The look-up of what was left of the ordered topic, on the broker's logs.

The laws are those of consumer.kafka.again: every record of the scope up to where it says that it came, and now and then
nothing at all.
"""

import random
from collections.abc import Callable

from consumer.delivery.left import Again
from consumer.events.event import Record
from consumer.kafka.again import Found
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
        if self._faults.strikes(self._dice, 0.05):
            self._faults.met("nothing read again")
            return Found(again, [], again.offset, in_vain=True)
        log = self._broker.logs[again.window.partition]
        found: list[Record] = []
        offset = max(again.offset, log.start)
        until = min(again.until, offset + self._dice.randrange(1, _MOST))
        while offset < until and len(found) < again.most:
            record = log.records[offset - log.start]
            if (record.key or b"").startswith(again.scope.encode()):
                found.append(record)
            offset += 1
        for record in found:
            self._given(record)
        return Found(again, found, offset)
