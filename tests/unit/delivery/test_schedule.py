from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.delivery.schedule import Schedule, Wait
from consumer.settings import Settings
from tests.deliveries import NOW_MS, SCHEDULE, delivery

DEFAULTS = Settings()
DEFAULT = Schedule(
    delays_ms=DEFAULTS.retry_delays_ms,
    names=("0s", *DEFAULTS.retry_delays),
    retry_for_ms=24 * 3_600_000,
    wait_for_ms=72 * 3_600_000,
)
tiers = st.integers(-1, SCHEDULE.last)


def test_n_delays_give_n_plus_one_attempts() -> None:
    attempts = 1
    seen = []
    while (following := DEFAULT.after_failure(attempts)) is not None:
        seen.append(DEFAULT.names[following])
        attempts += 1
    assert seen == ["5s", "1m", "5m", "30m", "2h", "6h", "15h"]
    assert attempts == 8


def test_the_default_tiers_with_the_most_jitter_fit_the_default_time_allowed() -> None:
    most = sum(delay + DEFAULT.jitter_ms("ffffffff", tier) for tier, delay in enumerate(DEFAULT.delays_ms))
    timeouts_ms = 8 * 30_000
    assert most + timeouts_ms < DEFAULT.retry_for_ms


@given(tier=tiers, wait_ms=st.floats(0, 1e9))
def test_what_waits_for_its_endpoint_goes_up_to_the_lowest_tier_that_covers_the_wait(tier: int, wait_ms: float) -> None:
    chosen = SCHEDULE.covering(wait_ms, above=tier)
    assert chosen > tier or chosen == SCHEDULE.last
    assert SCHEDULE.delays_ms[chosen] >= wait_ms or chosen == SCHEDULE.last
    assert all(SCHEDULE.delays_ms[lower] < wait_ms for lower in range(tier + 1, chosen))


@given(identity=st.text("0123456789abcdef", min_size=32, max_size=32), tier=st.integers(0, DEFAULT.last))
def test_jitter_only_adds_and_is_the_same_for_whoever_asks(identity: str, tier: int) -> None:
    jitter = DEFAULT.jitter_ms(identity, tier)
    assert 0 <= jitter <= DEFAULT.delays_ms[tier] // 10
    assert jitter == DEFAULT.jitter_ms(identity, tier)


def test_jitter_spreads() -> None:
    assert len({DEFAULT.jitter_ms(f"{n * 0x01234567 & 0xFFFFFFFF:08x}", 3) for n in range(100)}) > 90


times = st.integers(0, 10**9)


@given(waits=st.lists(st.tuples(times, times)), first_ms=times, first_attempt_ms=times)
def test_of_two_clocks_one_runs(waits: list[tuple[int, int]], first_ms: int, first_attempt_ms: int) -> None:
    """Whatever a delivery waits and is tried, each millisecond since it was first due is on one clock."""
    now_ms = first_ms + first_attempt_ms
    tried = replace(delivery(), first_due_ms=first_ms, first_attempt_ms=now_ms)
    trying = waiting = 0
    for tried_ms, waited_ms in waits:
        trying, waiting = trying + tried_ms, waiting + waited_ms
        now_ms += tried_ms + waited_ms
        waits_now = replace(tried, waiting_since_ms=now_ms - waited_ms)
        tried = replace(tried, waited_ms=tried.waited_ms + waited_ms)
        for each in (waits_now, tried):
            assert SCHEDULE.tried_until_ms(each, now_ms) - now_ms == SCHEDULE.retry_for_ms - trying
            assert SCHEDULE.waits_until_ms(each, now_ms) - now_ms == SCHEDULE.wait_for_ms - first_attempt_ms - waiting


def test_only_waits_of_a_tried_one_for_its_endpoint_are_on_the_clock_for_retries() -> None:
    for_turn, for_endpoint = Wait(ms=1), Wait(ms=1, unreachable=True)
    tried = replace(delivery(), first_attempt_ms=NOW_MS)
    assert SCHEDULE.is_for_a_turn(delivery(), for_turn)
    assert SCHEDULE.is_for_a_turn(delivery(), for_endpoint)
    assert SCHEDULE.is_for_a_turn(tried, for_turn)
    assert not SCHEDULE.is_for_a_turn(tried, for_endpoint)
