"""Of several records of one delivery in the delay topics, the one that goes on.

A crash between a write and the commit behind it leaves more than one: the record that was read and its successor, or
the same successor twice, in whatever tiers. Who reads them all lets one go on, and the others end as repeats.

The law: a record is passed over for another only in one order, whoever reads them and in whatever sequence, and only
while the other one is in hand here or known to be written; or because the delivery has ended. So no two processes pass
over each other's.
"""

from collections import OrderedDict
from enum import Enum, auto
from typing import Final, TypeAlias

from consumer.delivery.delivery import Delivery
from consumer.delivery.offsets import Entry, Partition

_Rank: TypeAlias = tuple[int, Partition, int]

_MOST: Final = 50_000


class Turn(Enum):
    """What becomes of a record that is due."""

    GOES = auto()
    WAITS = auto()
    REPEAT = auto()


class _Known:
    """A delivery of which a record was read here: the highest one, and the one under way.

    What was written before `floor` is overtaken by a record that is in the log.
    """

    __slots__ = ("entry", "floor", "goes_on", "is_over", "rank", "under_way")

    def __init__(self, entry: Entry, rank: _Rank) -> None:
        self.entry = entry
        self.rank = rank
        self.under_way: tuple[Entry, int] | None = None
        self.goes_on = False
        self.floor = 0
        self.is_over = False

    def settle(self) -> None:
        """See what became of the one under way."""
        if self.under_way is None:
            return
        entry, step = self.under_way
        if entry.open:
            if entry.window.closed:
                self.under_way = None
            return
        self.under_way = None
        if self.goes_on:
            self.floor = step + 1
        else:
            self.is_over = True


class Repeats:
    """For one process: the latest 50,000 deliveries that came from a delay topic."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def is_repeat(self, entry: Entry, delivery: Delivery) -> bool:
        """Whether this record, just read, is to be passed over."""
        rank = _rank(entry, delivery)
        known = self._known.get(delivery.id)
        if known is None:
            self._known[delivery.id] = _Known(entry, rank)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
            return False
        known.settle()
        if known.is_over or rank[0] < known.floor:
            return True
        if rank < known.rank and not known.entry.window.closed:
            return True
        known.entry, known.rank = entry, rank
        return False

    def turn(self, entry: Entry, delivery: Delivery) -> Turn:
        """What becomes of this record, which is due now."""
        known = self._known.get(delivery.id)
        if known is None:
            return Turn.GOES
        known.settle()
        step = _step(delivery)
        overtaken = known.entry is not entry and not known.entry.window.closed
        if known.is_over or overtaken or step < known.floor:
            return Turn.REPEAT
        if known.under_way is not None:
            return Turn.WAITS
        known.under_way = entry, step
        known.goes_on = False
        return Turn.GOES

    def goes_on(self, entry: Entry, delivery: Delivery) -> None:
        """The successor of this record is being written here."""
        known = self._known.get(delivery.id)
        if known is not None and known.under_way is not None and known.under_way[0] is entry:
            known.goes_on = True


def _step(delivery: Delivery) -> int:
    """How often it was written: each record has one attempt or one spill more than the one it came from."""
    return delivery.attempts + delivery.spills


def _rank(entry: Entry, delivery: Delivery) -> _Rank:
    return _step(delivery), entry.window.partition, entry.offset
