"""How many requests may be begun before commits prove to be accepted."""

from consumer.roles.pace import MOST, Pace


def test_it_begins_with_very_few_and_doubles_with_each_accepted_commit() -> None:
    pace = Pace()
    rooms = []
    for now_ms in range(0, 110, 10):
        rooms.append(pace.room(now_ms))
        pace.begin(now_ms, rooms[-1])
        assert pace.room(now_ms) == 0
        pace.accepted(now_ms, pace.begun, 5)
    assert rooms == [8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 4_096]
    assert rooms[-1] == MOST


def test_what_was_begun_after_the_seal_is_not_covered_by_its_commit() -> None:
    pace = Pace()
    pace.begin(0, 5)
    sealed = pace.begun
    pace.begin(5, 3)
    pace.accepted(10, sealed, 5)
    assert pace.room(10) == 16 - 3


def test_each_while_without_a_commit_halves_it_down_to_a_few_and_after_trouble_it_begins_with_very_few() -> None:
    pace = Pace()
    for now_ms in range(0, 50, 10):
        pace.accepted(now_ms, 0, 5)
    assert [pace.room(40 + late_ms) for late_ms in (249, 250, 499, 500, 750, 60_000)] == [256, 128, 128, 64, 32, 32]
    pace.accepted(1_000, 0, 5)
    assert pace.room(1_000) == 64
    pace.waits(250)
    assert pace.room(1_000) == 64
    pace.waits(251)
    assert pace.room(1_000) == 8


def test_a_slow_broker_is_not_taken_for_trouble() -> None:
    pace = Pace()
    rooms = []
    for now_ms in range(400, 4_400, 400):
        pace.waits(399)
        pace.accepted(now_ms, 0, 399)
        rooms.append(pace.room(now_ms + 398))
    assert rooms == [16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 4_096]
    pace.waits(1_596)
    assert pace.room(4_398) == 4_096
    pace.waits(1_597)
    assert pace.room(4_398) == 8


def test_what_hangs_is_not_waited_for() -> None:
    """Requests that are not answered leave nothing to commit, and so no commit that would let more begin."""
    pace = Pace()
    pace.begin(0, 8)
    pace.settled(99)
    assert pace.room(99) == 0
    pace.settled(100)
    assert pace.room(100) == 8
