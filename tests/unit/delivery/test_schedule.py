from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.schedule import Schedule
from consumer.settings import Settings
from tests.deliveries import SCHEDULE

DEFAULTS = Settings()
DEFAULT = Schedule(
    delays_ms=DEFAULTS.retry_delays_ms, names=("0s", *DEFAULTS.retry_delays), retry_for_ms=24 * 3_600_000
)
tiers = st.integers(-1, SCHEDULE.last)


def test_n_delays_give_n_plus_one_attempts() -> None:
    tier, attempts = -1, 1
    seen = []
    while (following := DEFAULT.after_failure(tier=tier, attempts=attempts)) is not None:
        seen.append(DEFAULT.names[following])
        tier, attempts = following, attempts + 1
    assert seen == ["5s", "1m", "5m", "30m", "2h", "6h", "15h"]
    assert attempts == 8


def test_the_default_tiers_with_the_most_jitter_fit_the_default_time_allowed() -> None:
    most = sum(delay + DEFAULT.jitter_ms("ffffffff", tier) for tier, delay in enumerate(DEFAULT.delays_ms))
    timeouts_ms = 8 * 30_000
    assert most + timeouts_ms < DEFAULT.retry_for_ms


@given(tier=tiers, attempts=st.integers(1, 10))
def test_a_retry_goes_up_and_never_back_to_where_it_came_from_but_in_the_last_tier(tier: int, attempts: int) -> None:
    following = SCHEDULE.after_failure(tier=tier, attempts=attempts)
    if following is None:
        assert attempts > SCHEDULE.last
    else:
        assert following > tier or following == SCHEDULE.last


@given(tier=tiers, wait_ms=st.floats(0, 1e9))
def test_a_spill_goes_up_to_the_lowest_tier_that_covers_the_wait(tier: int, wait_ms: float) -> None:
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
