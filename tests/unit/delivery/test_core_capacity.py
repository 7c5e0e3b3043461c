"""An endpoint that is healthy and slow, or limited, gets all it can take, in time, and loses nothing."""

from collections.abc import Callable

import pytest

from tests.delay_topics import DEFAULT, DelayTopics
from tests.deliveries import subscription

RAMP_MS = 16_000  # an endpoint never heard of is given a few requests first, and more with each answer


def run(takes_ms: Callable[[int], int], *, events: int, rate_per_s: float | None = None) -> int:
    """How long it took until the last one had ended."""
    model = DelayTopics(subscription(rate_per_s=rate_per_s), takes_ms)
    model.publish(events)
    took_ms = model.run()
    assert not model.dead
    assert len(model.ended_ms) == events
    assert sum(model.written.values()) <= 10 * events
    assert max(model.written.values()) <= DEFAULT.records_for(took_ms)
    return took_ms


def test_a_burst_for_a_webhook_with_a_rate_limit_ends_within_a_tenth_more_than_the_work_needed() -> None:
    assert run(lambda _: 40, events=3_000, rate_per_s=3.0) <= 1.1 * 3_000 / 3.0 * 1_000


def test_a_burst_for_an_endpoint_of_8_s_an_answer_does_too() -> None:
    assert run(lambda _: 8_000, events=2_000) <= 1.1 * 2_000 / (32 / 8) * 1_000


@pytest.mark.parametrize(("before_ms", "after_ms"), [(4_000, 8_000), (8_000, 4_000)])
def test_an_endpoint_that_becomes_slower_or_faster_gets_all_it_can_take_from_then_on(
    before_ms: int, after_ms: int
) -> None:
    changes_ms = 150_000
    took_ms = run(lambda at_ms: before_ms if at_ms < changes_ms else after_ms, events=2_000)
    left = 2_000 - changes_ms / before_ms * 32
    assert took_ms <= 1.1 * (changes_ms + left * after_ms / 32) + RAMP_MS
