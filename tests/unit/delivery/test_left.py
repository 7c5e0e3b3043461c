"""What is left in the log of the ordered topic: who is asked for together, how much, and in which turn."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count, islice

import pytest
from msgspec import structs

from consumer.delivery import done_map
from consumer.delivery.again import Again, Found, Look, Stretch
from consumer.delivery.entry import Entry
from consumer.delivery.left import Admission
from consumer.delivery.offsets import Position, Taken, Window
from consumer.delivery.order import Order
from consumer.delivery.order_map import Told
from consumer.delivery.order_partition import Bounds, OrderedPartition
from tests.deliveries import NOW_MS, ORDERED, delivery, event

HOOK, OTHER = "a" * 24, "b" * 24
ONE, TWO, THREE = (HOOK + digit * 12 for digit in "123")
BOUNDS = Bounds(webhook=12, few=4, crowded=20, line=4)


class Bench:
    """Partitions that an earlier owner left scopes of, and had read up to 1,000."""

    def __init__(self, *left: Mapping[str, int], bounds: Bounds = BOUNDS) -> None:
        self.now_ms = NOW_MS
        self._offsets = count()
        self.order = Order(ORDERED, bounds)
        self.windows = [self._window(number, each) for number, each in enumerate(left)]

    def _window(self, number: int, left: Mapping[str, int]) -> Window:
        told = Told(met=1_000, left=left)
        metadata = done_map.encode(0, -1, [], {}, order=told)
        window = self.order.window((ORDERED, number), Position(0, metadata), Taken())
        assert window is not None
        window.passed(1_000)
        return window

    def asked(self) -> Again:
        again = self.order.left.again(self.now_ms)
        assert again is not None
        return again

    def wanted(self) -> dict[str, Stretch]:
        return {stretch.scope: stretch for stretch in self.asked().stretches}

    def answer(self, again: Again, came_to: int) -> None:
        """A look that found no record."""
        look = Look(again)
        look.passed(came_to)
        self.found(look.found())

    def found(self, found: Found) -> None:
        self.order.left.read(self.now_ms, found, found.ends)
        self.now_ms += 2_000

    def line_up(self, name: str, number: int, *, fails: bool = False) -> None:
        """So many records of a line that were taken in, the first of which may have failed."""
        for offset in islice(self._offsets, number):
            of_it = structs.replace(delivery(event(f"{name}{offset}")), attempts=0)
            self.windows[0].reopen(offset)
            self.order.put(self.now_ms, Entry(self.windows[0], offset), of_it, name, 100)
        if fails:
            [(entry, head)] = self.order.heads(self.now_ms, 1)
            self.order.back(
                entry, structs.replace(head, attempts=1, first_attempt_ms=self.now_ms), self.now_ms + 60_000
            )

    def admits(self, scope: str, name: str) -> Admission:
        """What becomes of one more record of a line that is read again."""
        again = self.asked()
        stretch = next(stretch for stretch in again.stretches if stretch.scope == scope)
        return self.order.left.admits(again.window, stretch, name, stretch.offset + 10)


def test_all_scopes_of_a_partition_that_have_room_are_asked_for_together() -> None:
    bench = Bench({ONE: 5, TWO: 9, HOOK: 50, OTHER: 70})
    again = bench.asked()
    assert again.window is bench.windows[0]
    assert again.offset == 5
    ranges = {stretch.scope: (stretch.offset, stretch.until) for stretch in again.stretches}
    assert ranges == {ONE: (5, 50), TWO: (9, 50), HOOK: (50, 1_000), OTHER: (70, 1_000)}


def test_a_key_with_enough_in_its_line_is_left_out() -> None:
    bench = Bench({ONE: 5, TWO: 9, THREE: 20})
    bench.line_up(ONE, 3, fails=True)
    bench.line_up(TWO, 3)
    assert bench.wanted().keys() == {THREE}


def test_a_key_whose_head_has_failed_asks_for_no_more_than_it_keeps() -> None:
    bench = Bench({ONE: 5, TWO: 9})
    bench.line_up(ONE, 2, fails=True)
    bench.line_up(TWO, 2)
    assert {scope: stretch.most for scope, stretch in bench.wanted().items()} == {ONE: 2, TWO: 6}


def test_what_is_asked_for_of_a_webhook_is_no_more_than_its_room() -> None:
    bench = Bench({ONE: 5, TWO: 9, THREE: 20})
    bench.line_up(HOOK + "4" * 12, 5)
    assert {scope: stretch.most for scope, stretch in bench.wanted().items()} == {ONE: 3, TWO: 2, THREE: 2}


def test_a_webhook_is_asked_for_all_that_its_keys_may_not_take() -> None:
    again = Bench({ONE: 5, TWO: 9, HOOK: 50}).asked()
    assert {stretch.scope: stretch.most for stretch in again.stretches} == {ONE: 4, TWO: 4, HOOK: 12}
    assert again.rooms == {HOOK: 12}


def test_with_less_room_than_scopes_some_wait_and_have_the_next_turn() -> None:
    bench = Bench({ONE: 5, TWO: 9, THREE: 20})
    bench.line_up(HOOK + "4" * 12, 10)
    again = bench.asked()
    assert {stretch.scope: stretch.most for stretch in again.stretches} == {ONE: 1, TWO: 1}
    bench.answer(again, 100)
    assert bench.wanted().keys() == {THREE, ONE}


def test_what_is_asked_for_counts_where_a_partition_is_crowded() -> None:
    """Two webhooks of twelve, and it holds more than twenty: the third may have few."""
    bench = Bench({digit * 24: 5 for digit in "abc"})
    assert [stretch.most for stretch in bench.asked().stretches] == [12, 12, 4]


def test_what_a_look_passed_through_counts_for_all_and_nothing_else_does() -> None:
    bench = Bench({ONE: 5, TWO: 9, HOOK: 600})
    bench.answer(bench.asked(), 300)
    left = bench.order.left.again(bench.now_ms)
    assert left is not None
    assert bench.windows[0].beside is not None
    assert bench.windows[0].beside.told().left == {ONE: 300, TWO: 300, HOOK: 600}


def test_the_next_look_begins_where_the_last_one_did_not_come_to_and_then_at_the_lowest() -> None:
    bench = Bench({ONE: 5, HOOK: 400, OTHER: 800})
    seen = []
    for came_to in (100, 500, 1_000, 1_000):
        again = bench.asked()
        seen.append({stretch.scope for stretch in again.stretches})
        bench.answer(again, came_to)
    assert seen == [{ONE, HOOK, OTHER}, {ONE, HOOK, OTHER}, {HOOK, OTHER}, {ONE}]


def test_a_place_where_nothing_can_be_read_keeps_no_other_waiting() -> None:
    bench = Bench({ONE: 5, OTHER: 800})
    bench.answer(bench.asked(), 0)
    again = bench.asked()
    assert {stretch.scope for stretch in again.stretches} == {OTHER}
    bench.answer(again, 0)
    assert bench.wanted().keys() == {ONE, OTHER}


def test_a_scope_beyond_that_has_no_room_keeps_none_waiting() -> None:
    bench = Bench({ONE: 5, TWO: 500})
    bench.answer(bench.asked(), 0)
    bench.line_up(TWO, 3)
    assert bench.wanted().keys() == {ONE}


def test_partitions_take_turns() -> None:
    bench = Bench({ONE: 5}, {TWO: 5}, {THREE: 5})
    seen = []
    for _ in range(6):
        again = bench.asked()
        seen.append(again.window.partition[1])
        bench.answer(again, again.offset + 1)
    assert seen == [0, 1, 2, 0, 1, 2]


def test_after_a_look_in_vain_kafka_has_a_second() -> None:
    bench = Bench({ONE: 5})
    asked_ms = bench.now_ms
    bench.answer(bench.asked(), 0)
    assert bench.order.left.again(asked_ms + 999) is None
    assert bench.order.wake_ms(asked_ms + 999) == asked_ms + 1_000
    assert bench.order.left.again(asked_ms + 1_000) is not None


def test_one_look_at_a_time() -> None:
    bench = Bench({ONE: 5}, {TWO: 5})
    again = bench.asked()
    assert bench.order.left.expects(again)
    assert bench.order.left.again(bench.now_ms + 5_000) is None


@pytest.mark.parametrize(("name", "admission"), [(ONE, Admission.LEFT), (TWO, Admission.TAKEN)])
def test_a_key_that_is_left_itself_takes_its_records_out_of_its_webhook_s(name: str, admission: Admission) -> None:
    assert Bench({ONE: 5, HOOK: 50}).admits(HOOK, name) is admission


@pytest.mark.parametrize(
    ("left_keys", "fails", "admission"),
    [(1, True, Admission.LEFT), (1, False, Admission.TAKEN), (0, True, Admission.FULL), (0, False, Admission.FULL)],
)
def test_a_long_line_takes_more_of_its_webhook_s_only_where_its_key_could_be_left(
    left_keys: int, fails: bool, admission: Admission
) -> None:
    bench = Bench({HOOK: 50}, bounds=replace(BOUNDS, left_keys=left_keys))
    bench.line_up(ONE, 4, fails=fails)
    assert bench.admits(HOOK, ONE) is admission


def test_a_webhook_that_stands_before_a_full_line_waits_for_it_and_goes_on_with_few() -> None:
    bench = Bench({HOOK: 50}, bounds=replace(BOUNDS, left_keys=0))
    bench.line_up(ONE, 4)
    again = bench.asked()
    [stretch] = again.stretches
    assert stretch.most == 8
    assert bench.order.left.admits(again.window, stretch, ONE, 60) is Admission.FULL
    look = Look(again)
    look.passed(1_000)
    bench.order.left.read(bench.now_ms, look.found(), {HOOK: 60})
    bench.now_ms += 50
    assert bench.order.left.again(bench.now_ms) is None
    [(entry, _)] = bench.order.heads(bench.now_ms, 1)
    entry.close_one()
    assert bench.order.heads(bench.now_ms, 1)
    bench.now_ms += 50
    again = bench.asked()
    assert again.stretches == ((HOOK, 60, 1_000, 4),)
    bench.answer(again, 500)
    assert bench.wanted() == {HOOK: (HOOK, 500, 1_000, 9)}


def test_what_was_read_of_its_webhook_s_is_its_own_from_then_on() -> None:
    bench = Bench({ONE: 5, HOOK: 50})
    bench.answer(bench.asked(), 80)
    assert bench.wanted()[ONE] == (ONE, 50, 80, 6)


def test_a_scope_that_came_to_its_end_is_left_no_more() -> None:
    bench = Bench({ONE: 5, HOOK: 50})
    bench.answer(bench.asked(), 1_000)
    again = bench.asked()
    bench.answer(again, 1_000)
    assert bench.order.left.again(bench.now_ms) is None
    position = bench.windows[0].look()
    assert position is not None
    assert position.offset == 1_000


def test_a_replay_that_finds_no_room_leaves_no_empty_line_behind() -> None:
    """It would hold a share that is nobody's any more, once all of its webhook has ended."""
    bench = Bench({}, bounds=replace(BOUNDS, webhook=1, before=9))
    bench.line_up(ONE, 2)
    replay = Entry(bench.windows[0], 900)
    bench.windows[0].reopen(900)
    assert bench.order.put(bench.now_ms, replay, delivery(event("replay")), TWO, 100, before=True)
    partition = bench.windows[0].beside
    assert isinstance(partition, OrderedPartition)
    assert partition.lines.keys() == {ONE, f"{TWO}#900"}
    while partition.lines:
        for entry, _ in bench.order.heads(bench.now_ms, 9):
            entry.close_one()
    bench.line_up(TWO, 1)
    bench.line_up(ONE, 1)
    while partition.lines:
        for entry, _ in bench.order.heads(bench.now_ms, 9):
            entry.close_one()
    assert not partition.shares


def test_all_that_a_partition_may_leave_has_room_in_a_commit_beside_what_finished() -> None:
    """Of as many tenants as there are places, so that no name tells a part of another's."""
    bounds, far = Bounds(), 2**40
    left = {f"{tenant + 1:012x}{tenant:024x}": far for tenant in range(bounds.left)}
    left |= {f"{tenant:012x}": far for tenant in range(2**44, 2**44 + bounds.left_tenants)}
    unfinished = range(far, far + 4_000, 2)
    metadata = done_map.encode(far, far + 4_000, unfinished, order=Told(met=far, left=left))
    assert len(metadata) <= done_map.MOST
    told = done_map.decode(metadata, far)
    assert told is not None
    assert told.order.left == left
    assert [told.is_done(offset) for offset in range(far, far + 4)] == [False, True, False, True]
    assert told.is_done(far + 3_999)
