"""Records of one delivery that a crash left in the delay topics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Window
from consumer.delivery.repeats import Repeats, Turn
from tests.deliveries import event

DELIVERY = Delivery(id="ab" * 16, event=event(), subscription_id="wh_1")


class Process:
    """One that reads delay topics."""

    def __init__(self) -> None:
        self.repeats = Repeats()
        self.windows: dict[str, Window] = {}

    def read(self, topic: str, step: int, offset: int = 0) -> tuple[Entry, Delivery] | None:
        """The record, unless it is passed over."""
        window = self.windows.setdefault(topic, Window((topic, 0)))
        window.begin(offset)
        record = Entry(window, offset), replace(DELIVERY, attempts=step)
        return None if self.repeats.is_repeat(*record) else record

    def held(self, topic: str, step: int, offset: int = 0) -> tuple[Entry, Delivery]:
        record = self.read(topic, step, offset)
        assert record is not None
        return record


def end(record: tuple[Entry, Delivery]) -> None:
    """It was delivered, or is a dead letter."""
    record[0].close_one()


@pytest.mark.parametrize("order", [("1s", "5s"), ("5s", "1s")])
def test_of_the_same_successor_in_two_tiers_the_same_one_goes_whoever_reads_first(order: tuple[str, str]) -> None:
    process = Process()
    read = {topic: process.read(topic, 1) for topic in order}
    turns = {topic: process.repeats.turn(*each) for topic, each in read.items() if each is not None}
    assert turns.pop("5s") is Turn.GOES
    assert set(turns.values()) <= {Turn.REPEAT}


def test_a_successor_overtakes_the_record_it_came_from() -> None:
    process = Process()
    first = process.held("1s", 1)
    second = process.held("2s", 2)
    assert process.repeats.turn(*first) is Turn.REPEAT
    assert process.repeats.turn(*second) is Turn.GOES
    assert process.read("1s", 1, offset=5) is None


def test_while_the_record_it_came_from_is_under_way_it_waits_and_ends_with_it() -> None:
    process = Process()
    first = process.held("1s", 1)
    assert process.repeats.turn(*first) is Turn.GOES
    second = process.held("2s", 2)
    assert process.repeats.turn(*second) is Turn.WAITS
    end(first)
    assert process.repeats.turn(*second) is Turn.REPEAT
    assert process.read("2s", 2, offset=7) is None


def test_it_goes_when_the_one_under_way_went_with_its_partition() -> None:
    process = Process()
    first = process.held("1s", 1)
    process.repeats.turn(*first)
    second = process.held("2s", 2)
    process.windows["1s"].closed = True
    assert process.repeats.turn(*second) is Turn.GOES


def test_its_own_successor_is_no_repeat_and_what_is_behind_that_is() -> None:
    process = Process()
    first = process.held("1s", 1)
    process.repeats.turn(*first)
    left_over = process.held("5s", 2)
    process.repeats.is_followed(*first)
    assert process.repeats.turn(*left_over) is Turn.WAITS  # not acknowledged: it may never be in the log
    end(first)
    assert process.repeats.turn(*left_over) is Turn.GOES
    third = process.held("10s", 3)
    process.repeats.is_followed(*left_over)
    end(left_over)
    assert process.read("2s", 2) is None
    assert process.repeats.turn(*third) is Turn.GOES


def test_a_record_whose_partition_has_gone_counts_no_more() -> None:
    process = Process()
    process.held("5s", 1)
    assert process.read("1s", 1) is None
    process.windows["5s"].closed = True
    assert process.read("1s", 1, offset=1) is not None


def test_another_event_of_the_same_id_is_another_delivery() -> None:
    process = Process()
    process.held("1s", 1)
    other = replace(DELIVERY, attempts=1, event=replace(DELIVERY.event, offset=DELIVERY.event.offset + 1))
    assert not process.repeats.is_repeat(Entry(Window(("5s", 0)), 0), other)


RECORDS = st.lists(
    st.tuples(st.sampled_from(("1s", "2s", "5s")), st.integers(1, 3), st.integers(0, 9)),
    min_size=1,
    max_size=6,
    unique_by=lambda each: (each[0], each[2]),
)


@given(records=RECORDS, data=st.data())
def test_no_two_processes_pass_over_each_others(records: list[tuple[str, int, int]], data: st.DataObject) -> None:
    """Each reads all of them, in an order of its own, and gets each one's turn in another."""
    passed_over = []
    for _ in range(2):
        process = Process()
        read = {each: process.read(*each) for each in data.draw(st.permutations(records))}
        over = {each for each, record in read.items() if record is None}
        for each in data.draw(st.permutations(records)):
            record = read[each]
            if record is not None and process.repeats.turn(*record) is Turn.REPEAT:
                over.add(each)
        passed_over.append(over)
    assert set.union(*passed_over) != set(records)
    assert all(len(over) == len(records) - 1 for over in passed_over)
