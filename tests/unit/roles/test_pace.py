"""How many requests may be begun between two commits."""

from consumer.roles.pace import MOST, Pace


def test_it_begins_with_a_few_and_doubles_with_each_accepted_commit() -> None:
    pace = Pace()
    rooms = []
    for now_ms in range(0, 100, 10):
        rooms.append(pace.room(now_ms))
        pace.begun(now_ms, rooms[-1])
        assert pace.room(now_ms) == 0
        pace.accepted(now_ms)
    assert rooms == [32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 4_096, 4_096]
    assert rooms[-1] == MOST


def test_it_begins_anew_when_no_commit_was_accepted_for_a_while() -> None:
    pace = Pace()
    for now_ms in range(0, 50, 10):
        pace.accepted(now_ms)
    assert pace.room(290) == 1_024
    assert pace.room(291) == 32
    pace.accepted(1_000)
    assert pace.room(1_000) == 64


def test_what_hangs_is_not_waited_for() -> None:
    """32 requests that are not answered leave nothing to commit, and so no commit that would let more begin."""
    pace = Pace()
    pace.begun(0, 32)
    pace.recorded(99)
    assert pace.room(99) == 0
    pace.recorded(100)
    assert pace.room(100) == 32
