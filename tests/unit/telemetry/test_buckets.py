from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from consumer.telemetry.buckets import Buckets
from consumer.telemetry.distributions import Distributions

BOUNDS = (0.1, 1.0, 10.0)


def test_a_bound_belongs_below_itself() -> None:
    buckets = Buckets(BOUNDS)
    for value in (-1.0, 0.1, 0.11, 1.0, 10.0, 10.1):
        buckets.observe(value)

    assert buckets.counts == [2, 2, 1, 1]
    assert round(buckets.total, 6) == round(-1.0 + 0.1 + 0.11 + 1.0 + 10.0 + 10.1, 6)


@given(st.lists(st.floats(-5, 50)))
def test_all_that_is_observed_is_counted_once(values: list[float]) -> None:
    buckets = Buckets(BOUNDS)
    for value in values:
        buckets.observe(value)

    for at in range(len(BOUNDS) + 1):
        assert buckets.counts[at] == sum(bisect_left(BOUNDS, value) == at for value in values)


@given(st.lists(st.sampled_from([-1.0, 0.1, 0.11, 1.0, 5.0, 10.0, 10.1])), st.lists(st.floats(-5, 50)))
def test_many_are_observed_together_as_they_are_one_by_one(some: list[float], others: list[float]) -> None:
    one_by_one, together = Buckets(BOUNDS), Buckets(BOUNDS)
    for value in some + others:
        one_by_one.observe(value)
    together.observe_all(some)
    together.observe_all(others)

    assert together.counts == one_by_one.counts
    assert round(together.total, 6) == round(one_by_one.total, 6)


def test_a_series_is_made_once() -> None:
    took = Distributions()
    took.of("hookline_produce_latency_seconds", "records").observe(0.3)
    took.of("hookline_produce_latency_seconds", "records").observe(0.3)
    took.of("hookline_produce_latency_seconds", "attempts").observe(20)

    told = {labels: sum(buckets.counts) for (_, labels), buckets in took.snapshot().items()}
    assert told == {("records",): 2, ("attempts",): 1}
