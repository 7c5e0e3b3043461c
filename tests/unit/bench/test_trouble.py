"""What webhooks in trouble got of what they can take is counted from what their receiver saw."""

import pytest

from bench.receiver import AWAY_S, SLOW_S, Arrival
from bench.rounds import Round, compare, together
from bench.trouble import AT_ONCE, RATE_PER_S, TROUBLED, WEBHOOKS, Trouble, is_troubled, taken

SECOND_NS = 1_000_000_000
BEGAN_NS = 1_000 * SECOND_NS
TROUBLED_ONES = [webhook for webhook in range(WEBHOOKS) if is_troubled(webhook)]


def came(at_s: float, webhook: int, *, published_s: float | None = None) -> Arrival:
    """Seconds from the round's begin."""
    published = at_s if published_s is None else published_s
    return Arrival(
        webhook=webhook,
        published_ns=BEGAN_NS + int(published * SECOND_NS),
        received_ns=BEGAN_NS + int(at_s * SECOND_NS),
    )


def test_a_rate_that_is_used_whole_is_all_that_can_be_taken() -> None:
    arrivals = [came(number / RATE_PER_S, webhook) for number in range(60) for webhook in (*TROUBLED_ONES, 1)]
    found = taken(Trouble.LIMITED, arrivals, began_ns=BEGAN_NS, for_s=20, published=100)
    assert found is not None
    assert (found.share, found.rate_most) == (1.0, 1.0)
    half = taken(Trouble.LIMITED, arrivals[: len(arrivals) // 2], began_ns=BEGAN_NS, for_s=20, published=100)
    assert half is not None
    assert half.share == 0.5


def test_more_than_the_rate_within_ten_seconds_is_seen() -> None:
    arrivals = [came(12 + number / 100, TROUBLED_ONES[3]) for number in range(60)]
    found = taken(Trouble.LIMITED, arrivals, began_ns=BEGAN_NS, for_s=20, published=100)
    assert found is not None
    assert found.rate_most == 2.0


def test_of_a_slow_one_the_time_is_counted_in_which_it_is_at_work() -> None:
    began = (-SLOW_S / 2, SLOW_S / 2, SLOW_S * 3 / 2, SLOW_S * 5 / 2)
    arrivals = [came(at_s, webhook) for at_s in began for webhook in TROUBLED_ONES for _ in range(AT_ONCE)]
    found = taken(Trouble.SLOW, arrivals, began_ns=BEGAN_NS, for_s=24, published=100)
    assert found is not None
    assert found.share == 1.0
    half = taken(Trouble.SLOW, arrivals[::2], began_ns=BEGAN_NS, for_s=24, published=100)
    assert half is not None
    assert half.share == 0.5


def test_of_one_that_came_back_all_is_asked_for_and_the_new_at_once() -> None:
    waited = [came(AWAY_S + 1, each, published_s=at_s) for at_s in range(int(AWAY_S)) for each in TROUBLED_ONES]
    new = [came(at_s + 0.1, each, published_s=at_s) for at_s in range(int(AWAY_S), 60) for each in TROUBLED_ONES]
    found = taken(Trouble.RETURNING, waited + new, began_ns=BEGAN_NS, for_s=60, published=60)
    assert found is not None
    assert (found.share, found.fresh_share) == (1.0, 1.0)
    late = [came(at_s + 3, each, published_s=at_s) for at_s in range(int(AWAY_S), 60) for each in TROUBLED_ONES]
    found = taken(Trouble.RETURNING, late + late, began_ns=BEGAN_NS, for_s=60, published=60)
    assert found is not None
    assert found.share == pytest.approx(40 / 60, abs=1e-4)
    assert found.fresh_share == 0.0


@pytest.mark.parametrize("trouble", [Trouble.NONE, Trouble.OWN_ORIGINS, Trouble.SHARED_ORIGIN])
def test_who_hangs_takes_nothing(trouble: Trouble) -> None:
    assert taken(trouble, [], began_ns=BEGAN_NS, for_s=20, published=100) is None


def measured(latency_ms: float, share: float | None = None) -> Round:
    got = None if share is None else taken(Trouble.SLOW, [], began_ns=0, for_s=1, published=1)
    return Round(
        for_s=1.0,
        came=900,
        latencies_ms=[latency_ms] * 900,
        delayed_of_healthy=0,
        delayed_of_troubled=0,
        hung=0,
        hanging_most=0,
        hanging_most_of_one=0,
        taken=got,
    )


def test_it_is_kept_only_where_those_in_trouble_get_what_they_can_take() -> None:
    without = together([measured(2.0)])
    assert compare(without, together([measured(2.9)]), Trouble.SLOW)["kept"] is True
    assert compare(without, together([measured(3.1)]), Trouble.SLOW)["kept"] is False
    assert compare(without, together([measured(3.1)]), Trouble.OWN_ORIGINS)["kept"] is True
    assert compare(without, together([measured(2.0, share=0.0)]), Trouble.SLOW)["kept"] is False
    assert len(TROUBLED_ONES) == TROUBLED
