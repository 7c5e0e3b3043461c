from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.offsets import Entry, Window


@given(
    gaps=st.lists(st.integers(1, 5), min_size=1, max_size=60),
    order=st.randoms(use_true_random=False),
)
def test_the_position_is_the_lowest_unfinished_offset(gaps: list[int], order: object) -> None:
    window = Window(("events", 0))
    offsets = [sum(gaps[: n + 1]) for n in range(len(gaps))]  # compaction and transactions leave holes
    assert window.position is None
    for offset in offsets:
        assert window.begin(offset)
    left = list(offsets)
    order.shuffle(shuffled := list(offsets))  # type: ignore[attr-defined]
    for offset in shuffled:
        assert window.position == min(left)
        window.finish(offset)
        left.remove(offset)
    assert window.position == offsets[-1] + 1


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
    entry.open += 1
    entry.close_one()
    assert window.unfinished == 1
    entry.close_one()
    assert window.unfinished == 0
    window.begin(1)
    late = Entry(window, 1)
    window.closed = True
    late.close_one()
    assert window.position == 1


def test_repeats_are_known_within_one_assignment_only() -> None:
    window = Window(("retry", 0))
    assert not window.is_repeat(("d1", 1, 0))
    assert window.is_repeat(("d1", 1, 0))
    assert not window.is_repeat(("d1", 2, 0))
    assert not Window(("retry", 0)).is_repeat(("d1", 1, 0))
