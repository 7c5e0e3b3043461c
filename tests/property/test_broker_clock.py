"""The estimate of the broker's clock never runs ahead of it."""

from hypothesis import given
from hypothesis import strategies as st

from consumer.kafka.clock import ASK_AGAIN_MS, PLAUSIBLE_MS, WINDOW_MS, BrokerClock

# Between two acknowledgements our clock goes on; each took so long to come back to us.
observations = st.lists(st.tuples(st.integers(0, WINDOW_MS), st.integers(0, 60_000)), min_size=1, max_size=40)
START = 1_763_712_000_000


@given(skew=st.integers(-3_600_000, 3_600_000), steps=observations)
def test_it_is_never_ahead_of_the_broker_and_no_further_behind_than_the_fastest_answer(
    skew: int, steps: list[tuple[int, int]]
) -> None:
    clock = BrokerClock()
    now = START
    seen: list[tuple[int, int]] = []
    for pause, delay in steps:
        now += pause
        clock.observe(now, now - delay + skew)
        seen.append((now, delay))
        fastest = min(delay for at, delay in seen if at > now - WINDOW_MS)
        assert clock.now_ms(now) == now + skew - fastest - 1


@given(skew_us=st.integers(-(10**9), 10**9), appended_us=st.integers(0, 10_000), took_us=st.integers(0, 3_000))
def test_clocks_cut_to_whole_milliseconds_do_not_set_it_ahead(skew_us: int, appended_us: int, took_us: int) -> None:
    clock = BrokerClock()
    ours_us = START * 1_000 + appended_us + took_us
    clock.observe(ours_us // 1_000, (START * 1_000 + appended_us + skew_us) // 1_000)
    for later_us in range(0, 3_000, 250):
        assert clock.now_ms((ours_us + later_us) // 1_000) * 1_000 <= ours_us + later_us + skew_us


@given(steps=observations, skew=st.integers(-3_600_000, 3_600_000))
def test_a_clock_of_ours_that_was_set_back_is_measured_anew(steps: list[tuple[int, int]], skew: int) -> None:
    clock = BrokerClock()
    now = START + 86_400_000
    for pause, delay in steps:
        now += pause
        clock.observe(now, now - delay)
    clock.observe(START, START + skew)
    assert clock.skew_ms == skew - 1


def test_without_an_observation_nothing_is_due() -> None:
    assert BrokerClock().now_ms(START) == 0


def test_a_broker_that_tells_no_time_is_taken_to_have_ours() -> None:
    clock = BrokerClock()
    clock.observe(START, 1_234)
    assert clock.now_ms(START) == START


def test_what_was_told_long_ago_is_asked_for_again() -> None:
    clock = BrokerClock()
    assert clock.is_old(START)
    clock.observe(START, START)
    assert not clock.is_old(START + ASK_AGAIN_MS - 1)
    assert clock.is_old(START + ASK_AGAIN_MS)


@given(st.integers(1, 3_000_000_000_000))
def test_an_implausible_time_says_nothing(append_ms: int) -> None:
    clock = BrokerClock()
    clock.observe(START, append_ms)
    assert abs(clock.skew_ms) <= PLAUSIBLE_MS
    clock = BrokerClock()
    clock.observe(START, 1_234)  # as librdkafka's mock cluster says
    assert clock.skew_ms == 0


def test_a_slow_answer_does_not_worsen_a_good_estimate() -> None:
    clock = BrokerClock()
    clock.observe(START, START + 500)
    clock.observe(START + 1_000, START - 3_000)
    assert clock.skew_ms == 499
