from collections.abc import Callable
from dataclasses import replace

from consumer.delivery.breaker import EARLY_MS, THRESHOLD, Breaker, Early, open_times_ms
from consumer.delivery.standing import Open, Standing

TIMES = (1_000, 5_000)


def opened() -> Breaker:
    breaker = Breaker(TIMES, Early(1))
    for _ in range(THRESHOLD):
        breaker.failed(0, probe=False)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_no_sooner() -> None:
    breaker = Breaker(TIMES, Early(1))
    for _ in range(THRESHOLD - 1):
        breaker.failed(0, probe=False)
    assert breaker.wait_ms(0) == 0
    breaker.answered(1)
    for _ in range(THRESHOLD - 1):
        breaker.failed(0, probe=False)
    assert breaker.closed
    breaker.failed(0, probe=False)
    assert breaker.wait_ms(0) == 1_000


def test_half_open_lets_exactly_one_through() -> None:
    breaker = opened()
    assert breaker.wait_ms(999) == 1
    assert breaker.wait_ms(1_000) == 0
    assert breaker.started(1_000)
    assert breaker.wait_ms(1_000) > 0


def test_a_probe_that_is_answered_closes_it() -> None:
    breaker = opened()
    breaker.started(1_000)
    breaker.answered(1)
    assert breaker.closed
    assert not breaker.started(1_000)


def test_failed_probes_climb_the_times_and_the_last_repeats() -> None:
    breaker = opened()
    for now_ms in (1_000, 10_000):
        assert breaker.started(now_ms)
        breaker.failed(now_ms, probe=True)
        assert breaker.wait_ms(now_ms) == 5_000


def test_what_was_under_way_before_it_opened_neither_prolongs_it_nor_takes_the_probes_place() -> None:
    breaker = opened()
    breaker.failed(900, probe=False)
    assert breaker.wait_ms(900) == 100
    breaker.started(1_000)
    breaker.failed(1_100, probe=False)
    assert breaker.wait_ms(1_100) > 0
    breaker.abandoned(probe=False)
    assert breaker.wait_ms(1_100) > 0
    breaker.abandoned(probe=True)
    assert breaker.wait_ms(1_100) == 0


# ── shared with other processes ──────────────────────────────────────────────────────────────────────────────────────


def standing(**facts: object) -> Standing:
    nothing = Standing(number=1, permits=None, places=None, pace_per_s=0.0, horizon_ms=0.0, waiting=0, until_ms=0.0)
    return replace(nothing, **facts)  # type: ignore[arg-type] # any of its fields


def opened_at(now_ms: int) -> Breaker:
    breaker = Breaker(TIMES, Early(1))
    for _ in range(THRESHOLD):
        breaker.failed(now_ms, probe=False)
    return breaker


def test_one_that_is_open_elsewhere_is_open_here() -> None:
    breaker = Breaker(TIMES, Early(1))
    breaker.heard(1_000, 1_000, standing(level=1, open_ms=500.0))
    assert (breaker.level, breaker.wait_ms(1_200)) == (1, 300.0)
    assert breaker.opened(1_200) is None, "who opened it has told"


def test_an_answer_that_came_after_the_report_counts_more() -> None:
    breaker = Breaker(TIMES, Early(1))
    breaker.answered(1_010)
    breaker.heard(1_000, 1_005, standing(level=1, open_ms=500.0))
    assert breaker.closed


def test_an_answer_elsewhere_closes_it_unless_it_failed_again_since() -> None:
    before, after = opened_at(1_000), opened_at(3_000)
    for each in (before, after):
        each.heard(3_500, 3_500, standing(answered_ms=1_500.0))
    assert (before.closed, after.closed) == (True, False)
    assert after.opened(3_500) is not None, "nobody else knows that yet"


def test_a_probe_goes_out_only_by_leave_where_others_share_it() -> None:
    breaker = opened_at(1_000)
    until_ms = 1_000 + TIMES[0]
    breaker.heard(1_000, 1_000, standing(level=0, open_ms=float(TIMES[0])))
    assert breaker.lacks(until_ms)
    assert breaker.wait_ms(until_ms) > 0
    breaker.heard(until_ms, until_ms, standing(level=0, probe=True))
    assert breaker.wait_ms(until_ms) == 0
    assert breaker.started(1_000)
    assert breaker.wait_ms(until_ms) > 0
    breaker.abandoned(probe=True)
    assert breaker.lacks(until_ms), "the leave was for one"
    breaker.alone()
    assert breaker.wait_ms(until_ms) == 0


def test_a_failed_probe_is_news_and_opens_it_for_longer() -> None:
    breaker = opened_at(1_000)
    breaker.heard(1_000, 1_000, standing(level=0, open_ms=float(TIMES[0])))
    assert breaker.opened(1_000) is None
    now_ms = 1_000 + TIMES[0]
    breaker.heard(now_ms, now_ms, standing(level=0, probe=True))
    breaker.started(now_ms)
    breaker.failed(now_ms + 10, probe=True)
    assert breaker.opened(now_ms + 10) == Open(level=1, for_ms=float(TIMES[1]), early_ms=EARLY_MS)


def test_it_is_open_for_about_a_tenth_of_the_time_that_the_endpoint_was_away_for() -> None:
    times_ms = open_times_ms()
    assert times_ms[0] == 1_000
    assert times_ms[-1] == 300_000
    assert list(times_ms) == sorted(times_ms)
    away_ms = 0
    for time_ms in times_ms:
        assert time_ms <= max(1_000, away_ms / 10)
        assert time_ms >= min(300_000, max(1_000, away_ms / 10 - 1))
        away_ms += time_ms
    assert len(times_ms) < 100


# ── what is new ──────────────────────────────────────────────────────────────────────────────────────────────────────


def long_open(early: Early) -> Breaker:
    """Open for a minute from 0 on."""
    breaker = Breaker((60_000, 120_000), early)
    for _ in range(THRESHOLD):
        breaker.failed(0, probe=False)
    return breaker


def test_a_new_delivery_is_the_probe_a_moment_after_the_last_one_failed() -> None:
    breaker = long_open(Early(1))
    assert breaker.wait_ms(EARLY_MS - 1, new=True) > 0
    assert breaker.wait_ms(EARLY_MS, new=True) == 0
    assert breaker.wait_ms(EARLY_MS) == 60_000 - EARLY_MS, "what waits for the endpoint waits on"
    assert breaker.started(EARLY_MS)
    assert breaker.wait_ms(EARLY_MS, new=True) > 0
    breaker.answered(EARLY_MS + 40)
    assert breaker.closed


def test_an_early_probe_that_fails_changes_nothing_but_when_the_next_one_may_go() -> None:
    breaker = long_open(Early(1))
    breaker.started(EARLY_MS)
    breaker.failed(EARLY_MS + 10, probe=True)
    assert breaker.level == 0
    assert breaker.wait_ms(EARLY_MS + 10) == 60_000 - EARLY_MS - 10
    assert breaker.wait_ms(2 * EARLY_MS + 9, new=True) > 0
    assert breaker.wait_ms(2 * EARLY_MS + 10, new=True) == 0


def test_early_probes_of_all_endpoints_have_a_bound_and_each_gives_its_place_back() -> None:
    early = Early(1)
    one, other = long_open(early), long_open(early)
    ends: tuple[Callable[[int], None], ...] = (
        lambda now_ms: one.failed(now_ms, probe=True),
        lambda _: one.abandoned(probe=True),
        one.answered,
    )
    for number, end in enumerate(ends, 1):
        now_ms = number * 10_000
        assert one.started(now_ms)
        assert other.wait_ms(now_ms, new=True) == 60_000 - now_ms
        end(now_ms + 2_000)
        assert other.wait_ms(now_ms + 2_000, new=True) == 0
    assert early.flying == 0


def test_no_more_early_probes_begin_within_a_second_than_may_be_under_way() -> None:
    early = Early(2)
    lanes = [long_open(early) for _ in range(3)]
    for each in lanes[:2]:
        each.started(5_000)
        each.failed(5_001, probe=True)
    assert lanes[2].wait_ms(5_999, new=True) > 0
    assert lanes[2].wait_ms(6_000, new=True) == 0


def test_after_a_probe_that_hung_for_long_the_next_early_one_waits_as_long() -> None:
    breaker = long_open(Early(1))
    breaker.started(5_000)
    breaker.failed(15_000, probe=True, took_ms=10_000)
    assert breaker.wait_ms(24_999, new=True) > 0
    assert breaker.wait_ms(25_000, new=True) == 0


def test_an_early_probe_is_asked_leave_for_and_its_failure_is_told() -> None:
    breaker = long_open(Early(1))
    breaker.heard(1_000, 1_000, standing(level=0, open_ms=59_000.0, early_ms=EARLY_MS - 1_000.0))
    assert breaker.lacks(EARLY_MS, new=True)
    assert not breaker.lacks(EARLY_MS)
    breaker.heard(EARLY_MS, EARLY_MS, standing(level=0, open_ms=60_000.0 - EARLY_MS, probe=True))
    assert breaker.wait_ms(EARLY_MS, new=True) == 0
    breaker.started(EARLY_MS)
    breaker.failed(EARLY_MS + 10, probe=True)
    breaker.heard(EARLY_MS, EARLY_MS + 20, standing(level=0, open_ms=59_980.0 - EARLY_MS))
    told = breaker.opened(EARLY_MS + 20)
    assert told is not None
    assert (told.level, told.early_ms) == (0, EARLY_MS - 10)
