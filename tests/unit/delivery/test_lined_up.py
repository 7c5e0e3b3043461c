"""What is known of the ordered topic: when a line is clear."""

from dataclasses import replace

from consumer.delivery import done_map
from consumer.delivery.lined_up import LinedUp, OrderedSeen, Seen, Unfinished, seen_of
from consumer.delivery.offsets import Position, Window
from consumer.delivery.order_map import Told

LINE = f"{1:012x}{2:012x}{3:012x}"
OTHER = f"{1:012x}{2:012x}{4:012x}"


class Bench:
    """One window of an event topic, and two partitions of the ordered topic; a line is in that of its last digit."""

    def __init__(self) -> None:
        self.window = Window(("events", 0))
        self.lined_up = LinedUp(lambda key, partitions: int(key[-1:], 16) % partitions)
        self.now_ms = 0
        self.unfinished: Unfinished | None = None  # what is told where it is to be read
        self.reads: list[tuple[int, int]] = []

    def asks(self, *partitions: Seen, after_ms: int = 64_000) -> bool:
        """Whether anything is asked in so long; that is the answer."""
        look = self.lined_up.look(self.now_ms)
        if look is None:
            self.now_ms += after_ms
            look = self.lined_up.look(self.now_ms)
        if look is None:
            return False
        shown = tuple(each if look.ends else replace(each, end=None) for each in partitions)
        self.reads += [] if look.read is None else [look.read]
        unfinished = None if look.read is None else self.unfinished
        self.lined_up.seen(OrderedSeen(token=look.token, partitions=shown, unfinished=unfinished))
        return True

    def is_clear(self, line: str = LINE) -> bool:
        self.lined_up.is_awaited(self.window)
        return self.lined_up.is_clear(self.window, line)


def knowing(*ends: int) -> Bench:
    """One that knows where the partitions ended, all of it finished."""
    bench = Bench()
    assert not bench.is_clear()
    assert bench.asks(*(Seen(base=end, end=end) for end in ends))
    assert bench.is_clear()
    return bench


def test_nothing_is_asked_while_no_line_is_asked_for_and_all_is_known_to_be_over() -> None:
    bench = Bench()
    assert not bench.asks(Seen(end=0), Seen(end=0), after_ms=3_600_000)
    bench = knowing(0, 0)
    bench.lined_up.wrote(LINE)
    bench.lined_up.acknowledged(LINE, (1, 3))
    while bench.asks(Seen(base=2), Seen(base=4), after_ms=100_000):
        assert bench.now_ms < 5_000_000
    assert not bench.lined_up._spans


def test_it_is_asked_soon_after_a_write_and_then_more_and_more_seldom() -> None:
    bench = knowing(0, 0)
    bench.lined_up.wrote(LINE)
    bench.lined_up.acknowledged(LINE, (1, 3))
    began_ms, asked_ms = bench.now_ms, []
    while bench.now_ms < began_ms + 20_000:
        if bench.asks(Seen(), Seen(base=2), after_ms=10):
            asked_ms.append(bench.now_ms - began_ms)
    assert asked_ms == [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000]


def test_no_line_is_clear_before_it_is_known_what_an_earlier_owner_wrote() -> None:
    bench = Bench()
    assert not bench.is_clear()
    assert bench.asks(after_ms=0)  # nobody could be asked
    assert not bench.lined_up.is_awaited(bench.window)
    assert not bench.is_clear()
    assert bench.asks(Seen(base=7, end=7), Seen(base=4, end=5))
    assert bench.is_clear(OTHER)
    assert not bench.is_clear(LINE)
    assert bench.asks(Seen(base=9, end=9), Seen(base=5, end=8))
    assert bench.is_clear(LINE)


def test_a_window_that_comes_later_asks_for_itself() -> None:
    bench = knowing(0, 0)
    later = Window(("events", 1))
    assert bench.lined_up.is_awaited(later)
    assert bench.asks(Seen(end=0), Seen(end=3))
    assert not bench.lined_up.is_awaited(later)
    assert not bench.lined_up.is_clear(later, LINE)
    assert bench.is_clear()


def test_an_answer_that_was_under_way_before_tells_nothing_of_a_later_window() -> None:
    bench = knowing(0, 0)
    bench.lined_up.wrote(LINE)
    assert not bench.is_clear()
    bench.lined_up.look(bench.now_ms)
    look = bench.lined_up.look(bench.now_ms + 250)
    assert look is not None
    later = Window(("events", 1))
    assert bench.lined_up.is_awaited(later)
    bench.lined_up.seen(OrderedSeen(token=look.token, partitions=(Seen(end=0), Seen(end=0))))
    assert not bench.lined_up.is_clear(later, OTHER)


def test_a_line_is_not_clear_from_its_write_until_all_from_its_first_record_to_its_last_is_finished() -> None:
    bench = knowing(0, 0)
    bench.lined_up.wrote(LINE)
    assert not bench.is_clear()
    assert bench.is_clear(OTHER)
    bench.lined_up.acknowledged(LINE, (1, 10))
    bench.lined_up.wrote(LINE)
    bench.lined_up.acknowledged(LINE, (1, 14))
    for finished in (Seen(base=10), Seen(base=9, last=14, unfinished=(9, 12)), Seen(base=14)):
        assert not bench.is_clear()
        bench.lined_up._asking, bench.lined_up._seen = False, (Seen(), finished)
    bench.lined_up._seen = (Seen(), Seen(base=9, last=20, unfinished=(9, 15)))
    assert bench.is_clear()


def test_what_the_order_has_left_in_the_log_is_not_finished() -> None:
    for scope in (LINE, LINE[:24], LINE[:12]):
        left = Seen(base=3, last=20, unfinished=(), left={scope: 10})
        assert not left.is_over(LINE, 10, 10)
        assert left.is_over(LINE, 9, 9)
    assert Seen(base=3, last=20, left={OTHER: 10}).is_over(LINE, 10, 10)


def test_a_record_that_nobody_knows_where_it_is_is_before_the_end_that_is_asked_for_then() -> None:
    bench = knowing(0, 0)
    bench.lined_up.wrote(LINE)
    bench.lined_up.acknowledged(LINE, None)
    assert not bench.is_clear()
    assert bench.asks(Seen(base=5, end=5), Seen(base=8, end=9))
    assert not bench.is_clear()
    assert bench.asks(Seen(base=5), Seen(base=9))
    assert bench.is_clear()


def test_what_was_refused_was_not_written() -> None:
    bench = knowing(0, 0)
    bench.lined_up.wrote(LINE)
    bench.lined_up.refused(LINE)
    assert bench.is_clear()
    bench.lined_up.wrote(LINE)
    bench.lined_up.acknowledged(LINE, (1, 3))
    bench.lined_up.wrote(LINE)
    bench.lined_up.refused(LINE)
    assert not bench.is_clear()


def test_a_span_that_is_over_does_not_reach_to_the_next_one() -> None:
    bench = knowing(0, 0)
    bench.lined_up.wrote(LINE)
    bench.lined_up.acknowledged(LINE, (1, 3))
    bench.lined_up._seen = (Seen(), Seen(base=4))
    bench.lined_up.wrote(LINE)
    bench.lined_up.acknowledged(LINE, (1, 30))
    bench.lined_up._seen = (Seen(), Seen(base=20, last=30, unfinished=(20,)))
    assert bench.is_clear()


def test_lines_that_are_too_many_are_remembered_together() -> None:
    bench = knowing(0, 0)
    for number in range(25_000):
        line = f"{number:036x}"
        bench.lined_up.wrote(line)
        bench.lined_up.acknowledged(line, (number % 2, number))
    assert len(bench.lined_up._spans) <= 20_000
    assert not bench.is_clear(f"{0:036x}")
    assert not bench.is_clear(f"{24_999:036x}")
    assert bench.asks(Seen(base=20_000), Seen(base=20_000))
    assert bench.is_clear(f"{0:036x}")
    assert not bench.is_clear(f"{24_999:036x}")


def test_a_commit_is_read_as_it_was_written_and_one_beyond_the_end_is_of_another_log() -> None:
    metadata = done_map.encode(5, 9, [5, 7], order=Told(met=12, left={LINE: 8}, heads={}))
    seen = seen_of(Position(5, metadata), 12)
    assert (seen.base, seen.left, seen.end) == (5, {LINE: 8}, 12)
    assert [offset for offset in range(12) if seen.is_over(OTHER, offset, offset)] == [0, 1, 2, 3, 4, 6, 8, 9]
    assert seen_of(Position(5, "of somebody else"), 12) == Seen(base=5, end=12)
    assert seen_of(Position(13, ""), 12) == Seen(end=12)
    assert seen_of(None, None) == Seen()


STUCK = Seen(base=2, last=9, unfinished=(2, 5), left={"f" * 24: 3}, end=12)
"""A partition that two heads keep, and a webhook that is left."""


def met(*keys: str) -> Unfinished:
    """The records of STUCK have these keys, one after the other."""
    unfinished = Unfinished(STUCK)
    for offset, key in enumerate(keys):
        unfinished.meet(offset, key.encode())
    return unfinished


def test_the_unfinished_records_are_told_by_their_lines_and_what_was_left_by_its_scope() -> None:
    left = "f" * 36
    unfinished = met(LINE, LINE, LINE, left, OTHER, OTHER, OTHER, left, left, OTHER, LINE, OTHER)
    assert unfinished.lines == {LINE: (2, 10), OTHER: (5, 11)}
    assert unfinished.left == {"f" * 24}


def test_what_an_earlier_owner_left_unfinished_keeps_its_own_lines_alone() -> None:
    bench = Bench()
    third = f"{1:012x}{2:012x}{5:012x}"  # of the partition of LINE, as are those of the webhook that is left
    left = "f" * 36
    assert not bench.is_clear()
    assert bench.asks(Seen(end=0), STUCK)
    assert not bench.is_clear(third)
    bench.unfinished = met(*[third] * 5, LINE, *[third] * 2, left, third)
    assert bench.asks(Seen(), replace(STUCK, base=5, unfinished=(5,)), after_ms=0)
    assert bench.reads == [(1, 12)]
    assert bench.is_clear(third)  # it was finished meanwhile
    assert not bench.is_clear(LINE)
    assert not bench.is_clear(left)
    assert bench.is_clear(f"{1:012x}{2:012x}{7:012x}")
    assert bench.asks(Seen(), Seen(base=5, last=12, unfinished=(5,), left={"f" * 24: 8}))
    assert not bench.is_clear(LINE)
    assert not bench.is_clear(left)
    assert bench.asks(Seen(), Seen(base=12))
    assert bench.is_clear(LINE)
    assert bench.is_clear(left)


def test_what_cannot_be_read_keeps_all_of_its_partition_and_is_not_read_again() -> None:
    bench = Bench()
    assert not bench.is_clear()
    assert bench.asks(Seen(end=0), STUCK)
    assert bench.asks(Seen(), STUCK, after_ms=0)
    assert not bench.is_clear()
    assert bench.asks(Seen(), STUCK)
    assert bench.reads == [(1, 12)]
    assert bench.is_clear(OTHER)
    assert not bench.is_clear(LINE)


def test_where_nobody_answered_it_is_read_the_next_time() -> None:
    bench = Bench()
    assert not bench.is_clear()
    assert bench.asks(Seen(end=0), STUCK)
    assert bench.asks(after_ms=0)
    assert bench.asks(Seen(), STUCK)
    assert bench.reads == [(1, 12), (1, 12)]
