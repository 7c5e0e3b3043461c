"""A partition that was lost and comes back to the same process, which knows what it had finished of it."""

from collections.abc import Iterable

import pytest

from consumer.delivery.boundary import Boundaries
from consumer.delivery.direct import Direct
from consumer.delivery.endings import Endings
from consumer.delivery.hold import Hold
from consumer.delivery.intake import Content, Intake
from consumer.delivery.lined_up import LinedUp
from consumer.delivery.lining_up import LiningUp
from consumer.delivery.mark import NoMark
from consumer.delivery.offsets import Position
from consumer.delivery.order import Order
from consumer.delivery.repeats import Repeats
from consumer.delivery.windows import Windows
from consumer.events.event import Record, Tombstone
from tests.deliveries import NOW_MS, SCHEDULE

PLACE = ("events", 0)


class Reading:
    """An intake of records that end at once, and the offsets it took for new."""

    def __init__(self) -> None:
        self.decoded: list[int] = []
        repeats = Repeats()
        order = Order()
        lined_up = LinedUp()
        endings = Endings(SCHEDULE, repeats, order, lined_up)
        self.windows = Windows(order)
        self.intake = Intake(
            SCHEDULE,
            endings,
            repeats,
            self._decode,
            Boundaries(NoMark()),
            windows=self.windows,
            order=order,
            lining_up=LiningUp(Direct(endings, lined_up)),
            hold=Hold(),
        )

    def read(self, offsets: Iterable[int]) -> list[int]:
        self.decoded = []
        records = [
            Record(topic=PLACE[0], partition=PLACE[1], offset=each, key=None, value=None, headers=(), timestamp_ms=0)
            for each in offsets
        ]
        assert list(self.intake.records(NOW_MS, records)) == []
        return self.decoded

    def _decode(self, record: Record) -> Content:
        self.decoded.append(record.offset)
        return Tombstone()


@pytest.fixture
def reading() -> Reading:
    """It had begun at 5 and finished 5 to 9 when the partition was lost."""
    reading = Reading()
    reading.windows.assigned({PLACE: Position(5)})
    assert reading.read(range(5, 10)) == [5, 6, 7, 8, 9]
    reading.intake.lost([PLACE])
    return reading


@pytest.mark.parametrize(("committed", "again"), [(5, [10]), (7, [10]), (10, [10]), (12, [12])])
def test_what_was_finished_here_is_not_done_again(reading: Reading, committed: int, again: list[int]) -> None:
    reading.windows.assigned({PLACE: Position(committed)})
    assert reading.read(range(committed, max(11, committed + 1))) == again
    assert reading.windows.positions()[PLACE].offset == max(11, committed + 1)


def test_a_position_that_went_back_may_be_of_another_log(reading: Reading) -> None:
    reading.windows.assigned({PLACE: Position(4)})
    assert reading.read(range(4, 8)) == [4, 5, 6, 7]


def test_so_may_the_beginning_of_a_log() -> None:
    reading = Reading()
    reading.windows.assigned({PLACE: Position(0)})
    reading.read(range(3))
    reading.intake.lost([PLACE])
    reading.windows.assigned({PLACE: Position(0)})
    assert reading.read(range(3)) == [0, 1, 2]


def test_it_counts_once(reading: Reading) -> None:
    reading.windows.assigned({PLACE: Position(5)})
    reading.intake.lost([PLACE])
    reading.windows.assigned({PLACE: Position(5)})
    assert reading.read(range(5, 8)) == [5, 6, 7]
