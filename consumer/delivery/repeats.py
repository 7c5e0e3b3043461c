"""Of several records of one delivery in the delay topics, the one that goes on.

A crash between a write and the commit behind it leaves more than one: the record that was read and its successor, or
the same successor twice, in whatever tiers. Who reads them all lets one go on, and the others end as repeats.

The law: a record is passed over for another only in one order, whoever reads them and in whatever sequence, and only
while the other one is in hand here or known to be written; or because the delivery has ended. So no two processes pass
over each other's.
"""

from collections import OrderedDict
from enum import Enum, auto
from typing import Final, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Partition

_Rank: TypeAlias = tuple[int, Partition, int]

_MOST: Final = 50_000


class Turn(Enum):
    """What becomes of a record that is due."""

    GOES = auto()
    WAITS = auto()
    REPEAT = auto()


class _End(Enum):
    """What became of a record that was let go on."""

    FOLLOWED = auto()  # its successor is in the log
    OVER = auto()  # its delivery has ended
    LOST = auto()  # its partition went: whoever reads it next lets it go on


class _Going(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was let go on, and that record's number. `followed`: a successor is written.

    A Struct, since one is made for each record that is due.
    """

    entry: Entry
    number: int
    followed: bool = False

    @property
    def end(self) -> _End | None:
        """None while it is under way."""
        if self.entry.has_ended:
            return _End.FOLLOWED if self.followed else _End.OVER
        return _End.LOST if self.entry.window.closed else None


class _Records:
    """What is known of one delivery's records: the highest that was read here, and the one that was let go on.

    What has a number below `floor` is overtaken by a record that is in the log.
    """

    __slots__ = ("floor", "going", "highest", "is_over", "rank")

    def __init__(self, highest: Entry, rank: _Rank) -> None:
        self.highest = highest
        self.rank = rank
        self.going: _Going | None = None
        self.floor = 0
        self.is_over = False

    def settle(self) -> None:
        """See what became of the one that was let go on."""
        going = self.going
        end = None if going is None else going.end
        if going is None or end is None:
            return
        self.going = None
        match end:
            case _End.FOLLOWED:
                self.floor = going.number + 1
            case _End.OVER:
                self.is_over = True
            case _End.LOST:
                pass
            case never:
                assert_never(never)


class Repeats:
    """For one process: the latest 50,000 deliveries that came from a delay topic."""

    def __init__(self) -> None:
        self._read: OrderedDict[str, _Records] = OrderedDict()

    def is_repeat(self, entry: Entry, delivery: Delivery) -> bool:
        """Whether this record, just read, is to be passed over."""
        rank = delivery.record_number, entry.window.partition, entry.offset
        records = self._read.get(delivery.id)
        if records is None:
            self._read[delivery.id] = _Records(entry, rank)
            if len(self._read) > _MOST:
                self._read.popitem(last=False)
            return False
        records.settle()
        if records.is_over or delivery.record_number < records.floor:
            return True
        if rank < records.rank and not records.highest.window.closed:
            return True
        records.highest, records.rank = entry, rank
        return False

    def turn(self, entry: Entry, delivery: Delivery) -> Turn:
        """What becomes of this record, which is due now."""
        records = self._read.get(delivery.id)
        if records is None:
            return Turn.GOES
        records.settle()
        overtaken = records.highest is not entry and not records.highest.window.closed
        if records.is_over or overtaken or delivery.record_number < records.floor:
            return Turn.REPEAT
        if records.going is not None:
            return Turn.WAITS
        records.going = _Going(entry=entry, number=delivery.record_number)
        return Turn.GOES

    def is_followed(self, entry: Entry, delivery: Delivery) -> None:
        """The successor of this record is being written here."""
        records = self._read.get(delivery.id)
        if records is not None and records.going is not None and records.going.entry is entry:
            records.going = replace(records.going, followed=True)
