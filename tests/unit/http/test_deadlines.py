"""What is due is told once, never early, and hardly late."""

from hypothesis import given
from hypothesis import strategies as st

from consumer.http.deadlines import EXACT_S, Deadlines

_TIMES = st.floats(0, 40)


@given(st.lists(_TIMES, max_size=40), st.sets(st.integers(0, 39)), st.lists(_TIMES, max_size=20))
def test_each_is_told_once_in_its_time(times: list[float], ended: set[int], looks: list[float]) -> None:
    deadlines = Deadlines()
    for token, when_s in enumerate(times):
        deadlines.set(token, 1_000 + when_s)
    for token in ended:
        deadlines.clear(token)
    waiting = {token: 1_000 + when_s for token, when_s in enumerate(times) if token not in ended}
    for now_s in (1_000 + each for each in [*sorted(looks), 41]):
        next_s = deadlines.next_s
        assert (next_s is None) == (not waiting)
        if next_s is not None:
            assert min(waiting.values()) <= next_s <= min(waiting.values()) + EXACT_S
        due = deadlines.due(now_s)
        assert len(due) == len(set(due))
        for token in due:
            assert waiting.pop(token) <= now_s
        assert all(when_s > now_s - EXACT_S for when_s in waiting.values())
    assert not waiting
    assert (deadlines._slots, deadlines._order, deadlines._slot_of) == ({}, [], {})


def test_a_token_may_come_again() -> None:
    deadlines = Deadlines()
    deadlines.set(1, 5)
    deadlines.clear(1)
    deadlines.clear(1)
    deadlines.set(1, 7)
    assert deadlines.due(6) == []
    assert deadlines.due(7) == [1]
    assert deadlines.next_s is None
