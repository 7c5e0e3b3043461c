from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery import done_map
from consumer.delivery.done_map import DoneMap
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Position, Taken, Window
from consumer.delivery.order_map import Told


@given(
    gaps=st.lists(st.integers(1, 5), min_size=1, max_size=60),
    order=st.randoms(use_true_random=False),
)
def test_the_position_is_the_lowest_unfinished_offset(gaps: list[int], order: object) -> None:
    window = Window(("events", 0))
    offsets = [sum(gaps[: n + 1]) for n in range(len(gaps))]  # compaction and transactions leave holes
    assert Window(("events", 0)).look() is None
    for offset in offsets:
        assert window.begin(offset)
    left = list(offsets)
    order.shuffle(shuffled := list(offsets))  # type: ignore[attr-defined]
    for offset in shuffled:
        position = window.look()
        assert position is not None
        assert position.offset == min(left)
        window.finish(offset)
        left.remove(offset)
    assert window.look() == Position(offsets[-1] + 1)


def test_an_offset_is_taken_once() -> None:
    window = Window(("events", 0))
    assert window.begin(5)
    assert not window.begin(5)
    assert not window.begin(4)
    window.finish(5)
    assert not window.begin(5)


def test_an_entry_finishes_with_its_last_part_and_never_for_a_closed_window() -> None:
    window = Window(("events", 0))
    window.begin(0)
    entry = Entry(window, 0)
    entry.open_one()
    entry.close_one()
    assert window.unfinished == 1
    entry.close_one()
    assert window.unfinished == 0
    window.begin(1)
    late = Entry(window, 1)
    window.closed = True
    late.close_one()
    assert window.look() == Position(1)


def test_what_ended_in_part_is_told_from_the_second_look_on_and_nothing_more_is_looked_for_then() -> None:
    taken = Taken()
    window = Window(("events", 0), taken=taken)
    window.begin(0)
    window.part_ended(0, "ab" * 16)
    for changes, told in ((1, False), (0, True), (0, True)):
        taken.changes.clear()
        position = window.look()
        assert position is not None
        read = done_map.decode(position.metadata, position.offset)
        assert (read is not None and dict(read.partly) == {0: {done_map.short("ab" * 16)}}) is told
        assert len(taken.changes) == changes


def test_a_map_of_an_older_log_says_nothing_of_a_new_one() -> None:
    window = Window(("events", 0), DoneMap(base=1_000, last=1_100, unfinished=frozenset({1_000})))
    assert window.begin(0)
    assert window.begin(1)
    window.finish(1)
    position = window.look()
    assert position is not None
    read = done_map.decode(position.metadata, position.offset)
    assert read is not None
    assert read.is_done(1)
    assert not any(read.is_done(offset) for offset in range(8, 1_200))


@given(data=st.data(), total=st.integers(1, 60))
def test_after_any_number_of_crashes_nothing_finished_is_begun_again_and_nothing_else_is_skipped(
    data: st.DataObject, total: int
) -> None:
    finished: set[int] = set()  # as of the last commit
    position = Position(0)
    for _ in range(data.draw(st.integers(1, 4))):
        window = Window(("events", 0), done_map.decode(position.metadata, position.offset))
        read = range(position.offset, data.draw(st.integers(position.offset, total)))
        begun = [offset for offset in read if window.begin(offset)]
        assert begun == [offset for offset in read if offset not in finished]
        done = data.draw(st.lists(st.sampled_from(begun), unique=True)) if begun else []
        for offset in done:
            window.finish(offset)
        now = window.look()
        if now is not None:
            position = now
            finished |= set(done)
            assert all(offset in finished for offset in range(position.offset))


def _id(number: int) -> str:
    return f"{number:032x}"[::-1]


def test_what_ended_of_an_event_is_told_while_it_waits_for_the_rest_and_by_the_next_owner_again() -> None:
    first = Window(("events", 0))
    assert first.begin(7)
    entry = Entry(first, 7)
    entry.open = 3
    entry.close_one(_id(1))
    assert first.look() == Position(7)  # most are finished by the next look
    told = first.look()
    assert told is not None
    second = Window(("events", 0), done_map.decode(told.metadata, 7))
    assert second.begin(7)
    assert second.ended_before(7) == {done_map.short(_id(1))}
    again = Entry(second, 7)
    again.open = 2
    again.close_one(_id(2))
    second.look()
    third = second.look()
    assert third is not None
    read = done_map.decode(third.metadata, 7)
    assert read is not None
    assert read.partly == {7: {done_map.short(_id(1)), done_map.short(_id(2))}}
    again.close_one(_id(3))
    assert second.look() == Position(8)


def test_what_ended_of_a_record_that_is_gone_from_the_log_is_not_told_for_ever() -> None:
    done = DoneMap(base=3, last=2, unfinished=frozenset(), partly={3: frozenset({bytes(8)}), 9: frozenset({bytes(8)})})
    window = Window(("events", 0), done)
    window.begin(5)
    told = window.look()
    assert told is not None
    read = done_map.decode(told.metadata, 5)
    assert read is not None
    assert set(read.partly) == {9}


def test_what_is_no_record_is_passed_when_all_before_it_has_ended() -> None:
    window = Window(("events", 0))
    window.passed(3)  # the log's beginning, without a record
    assert window.look() == Position(3)
    assert window.begin(3)
    assert window.begin(4)
    window.passed(7)  # a transaction's marker, and what an aborted one wrote
    window.finish(4)
    position = window.look()
    assert position is not None
    assert position.offset == 3
    window.finish(3)
    assert window.look() == Position(7)
    window.passed(5)
    assert window.look() == Position(7)
    assert not window.begin(6)
    assert window.begin(7)


def test_a_map_keeps_to_its_bound_and_crowds_its_window_at_seven_eighths_of_it() -> None:
    taken = Taken()
    window = Window(("events", 0), taken=taken)
    for offset in range(2_000):
        window.begin(offset)
        if offset % 5 == 1:
            window.finish(offset)
    whole = window.look()
    assert whole is not None
    assert len(whole.metadata) > 300
    assert not window.crowded
    for taken.map_most, crowded in (
        (len(whole.metadata) + 150, False),
        (len(whole.metadata), True),
        (100, True),
        (40, True),
    ):
        window.touch()
        told = window.look()
        assert told is not None
        assert (told.offset, len(told.metadata) <= taken.map_most, window.crowded) == (0, True, crowded)
        done = done_map.decode(told.metadata, 0)
        assert done is None or not any(done.is_done(offset) for offset in range(2_000) if offset % 5 != 1)


def test_a_full_map_of_an_earlier_owner_crowds_a_window_only_when_all_that_it_tells_of_was_read() -> None:
    earlier = Window(("events", 0), taken=Taken(120))
    for offset in range(900):
        earlier.begin(offset)
        if offset % 100 not in {7, 8, 9}:
            earlier.finish(offset)
    full = earlier.look()
    assert full is not None
    assert earlier.crowded
    done = done_map.decode(full.metadata, full.offset)
    assert done is not None

    window = Window(("events", 0), done, Taken(120))
    window.touch()
    assert window.look() == full
    seen = [window.crowded]
    for offset in range(full.offset, max(done.unfinished) + 1):
        window.begin(offset)
        window.look()
        seen.append(window.crowded)
    assert seen == [False] * (len(seen) - 1) + [True]


def test_a_window_of_which_nothing_is_under_way_is_not_crowded() -> None:
    """Nothing that ends would make its map shorter: here, because what is left in the log leaves no room for one."""

    class Left:
        def has_ended(self, entry: Entry) -> None:
            raise AssertionError(f"nothing of {entry} was taken in")

        def told(self) -> Told:
            return Told(met=9, left={f"{number:024x}": 4 for number in range(20)})

        def floor(self) -> int:
            return 4

    window = Window(("ordered", 0), taken=Taken(200))
    window.beside = Left()
    for offset in range(9):
        window.begin(offset)
        window.finish(offset)
    assert window.look() == Position(4)
    assert not window.crowded
    window.begin(9)
    assert window.look() == Position(4)
    assert window.crowded
