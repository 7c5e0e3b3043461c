"""Whatever the delays and however late records are read: few are written for one wait, and it ends at its slot."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.schedule import Schedule

delays = st.lists(st.integers(1, 10_000), min_size=1, max_size=8).map(lambda steps: (0, *accumulate(steps)))
lateness = st.lists(st.integers(0, 2_000), max_size=50)


def schedule(delays_ms: tuple[int, ...]) -> Schedule:
    return Schedule(delays_ms=delays_ms, names=("0s",) * len(delays_ms), retry_for_ms=1, wait_for_ms=1)


@given(delays_ms=delays, wait_ms=st.integers(0, 200_000), fresh=st.booleans(), late_ms=lateness)
def test_few_records_are_written_for_a_wait(
    delays_ms: tuple[int, ...], wait_ms: int, fresh: bool, late_ms: list[int]
) -> None:
    of = schedule(delays_ms)
    rest_ms, written = wait_ms, 0
    least = 0 if fresh else 1
    while rest_ms > 0:
        tier = of.for_wait(rest_ms, least=least)
        rest_ms -= of.delays_ms[tier] + (late_ms.pop() if late_ms else 0)
        written += 1
        least = 1
    assert written <= of.records_for(wait_ms)


@given(delays_ms=delays, wait_ms=st.integers(0, 200_000))
def test_a_wait_takes_the_longest_delay_that_is_over_in_time(delays_ms: tuple[int, ...], wait_ms: int) -> None:
    of = schedule(delays_ms)
    tier = of.for_wait(wait_ms, least=0)
    assert of.delays_ms[tier] <= wait_ms
    assert tier == of.last or of.delays_ms[tier + 1] > wait_ms
