from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.jobs.pace import Pace


def sent_at(pace: Pace, until_s: float, *, step_s: float = 0.01) -> list[tuple[float, int]]:
    """When how many went, asked every so often."""
    found, now_s = list[tuple[float, int]](), 0.0
    while now_s < until_s:
        if number := pace.due(now_s):
            found.append((now_s, number))
            pace.sent(number)
        now_s += step_s
    return found


@pytest.mark.parametrize(("rate", "least", "most"), [(1, 10, 11), (3, 30, 31), (50, 500, 505), (1_000, 9_900, 10_100)])
def test_a_rate_is_kept_from_the_first_batch_on(rate: int, least: int, most: int) -> None:
    batches = sent_at(Pace(rate, 0.0), 10.0)
    assert batches[0][0] == 0.0
    assert least <= sum(number for _, number in batches) <= most


def test_it_is_even() -> None:
    batches = sent_at(Pace(50, 0.0), 5.0)
    assert {number for _, number in batches} <= {5, 6}
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(batches)]
    assert max(gaps) < 0.13


def test_what_a_late_turn_missed_is_brought_but_no_more_than_half_a_second() -> None:
    pace = Pace(100, 0.0)
    pace.sent(pace.due(0.0))
    assert pace.due(0.3) == 30
    pace.sent(30)
    assert pace.due(60.0) == 50


def test_it_says_how_long_to_wait() -> None:
    pace = Pace(4, 0.0)
    pace.sent(pace.due(0.0))
    assert pace.due(0.0) == 0
    assert pace.wait_s() == pytest.approx(0.25)
    assert pace.due(0.25) == 1


@given(
    rate=st.integers(1, 1_000),
    steps=st.lists(st.floats(0, 2), min_size=1, max_size=60),
    takes=st.lists(st.integers(0, 100), min_size=60, max_size=60),
)
def test_in_no_span_more_than_the_law_allows(rate: int, steps: list[float], takes: list[int]) -> None:
    pace, times = Pace(rate, 0.0), [*accumulate(steps)]
    sent: list[int] = []
    for now_s, most in zip(times, takes, strict=False):
        sent.append(min(most, pace.due(now_s)))
        pace.sent(sent[-1])
    for begin in range(len(times)):
        for end in range(begin, len(times)):
            seconds = times[end] - times[begin]
            allowed = rate * seconds + (1 if rate < 2 else max(1, rate * 0.5))
            assert sum(sent[begin : end + 1]) <= allowed + 1e-3
