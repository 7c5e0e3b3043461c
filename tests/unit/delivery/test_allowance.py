"""What one process may start: by what it was given, and by its share where nobody gives any."""

from consumer.delivery.allowance import Allowance
from consumer.delivery.standing import AHEAD_MS, LEASE_FOR_MS, PERMIT_FOR_MS, Permits

NOW_MS = 1_790_000_000_000


def allowance(rate_per_s: float | None = None, max_concurrency: int | None = None, *, alone: bool = False) -> Allowance:
    made = Allowance(alone=alone)
    made.limited(rate_per_s, max_concurrency)
    return made


def permits(number: int, first_ms: float = 0.0, gap_ms: float = 100.0) -> Permits:
    return Permits(number=number, first_ms=first_ms, gap_ms=gap_ms, for_ms=PERMIT_FOR_MS)


def starts(of: Allowance, for_ms: int) -> list[int]:
    """When it starts something, wanting to all the time; each request ends at once."""
    begun: list[int] = []
    for after_ms in range(for_ms):
        while of.wait_ms(NOW_MS + after_ms) == 0 and len(begun) < 1_000:
            of.started(NOW_MS + after_ms)
            of.ended()
            begun.append(after_ms)
    return begun


def test_nothing_starts_before_it_was_given_and_then_at_its_moments() -> None:
    given = allowance(10.0)
    assert starts(given, 300) == []
    assert given.lacks(NOW_MS)
    given.given(NOW_MS, permits(3, first_ms=50.0), None)
    assert not given.lacks(NOW_MS)
    assert starts(given, 1_000) == [50, 150, 250]
    assert given.lacks(NOW_MS + 1_000)


def test_a_permit_that_was_not_used_is_void() -> None:
    given = allowance(10.0)
    given.given(NOW_MS, permits(3), None)
    assert given.permits(NOW_MS + PERMIT_FOR_MS + 101) == 1
    assert given.permits(NOW_MS + PERMIT_FOR_MS + 201) == 0


def test_where_there_is_none_it_is_not_asked_for_again_before_it_is_said() -> None:
    given = allowance(0.1)
    given.given(NOW_MS, permits(0, first_ms=7_000.0), None)
    assert not given.lacks(NOW_MS + 6_999)
    assert given.wait_ms(NOW_MS) == 7_000
    assert given.lacks(NOW_MS + 7_000)


def test_a_lease_that_is_not_renewed_is_over() -> None:
    given = allowance(max_concurrency=4)
    given.given(NOW_MS, None, 2)
    assert given.wait_ms(NOW_MS + LEASE_FOR_MS - 1) == 0
    assert given.wait_ms(NOW_MS + LEASE_FOR_MS) > 0


def test_a_limit_that_others_know_to_be_gone_holds_nothing_up() -> None:
    given = allowance(0.001, 1)
    given.given(NOW_MS, None, None)
    assert len(starts(given, 1)) == 1_000
    assert not given.lacks(NOW_MS)


def test_alone_it_has_its_share() -> None:
    alone = allowance(10.0, 7, alone=True)
    alone.processes = 2
    assert starts(alone, 1_000) == [0, 200, 400, 600, 800]
    assert alone.places(NOW_MS) == 3
    alone.processes = 20
    assert alone.places(NOW_MS) == 1


def test_left_alone_it_waits_until_all_that_was_given_is_used_up() -> None:
    given = allowance(10.0)
    given.given(NOW_MS, permits(2), None)
    given.leave_alone(NOW_MS)
    assert starts(given, AHEAD_MS + 150) == [0, 100, AHEAD_MS, AHEAD_MS + 100]


def test_another_rate_forgets_the_waits_of_the_old_one() -> None:
    for alone in (False, True):
        given = allowance(0.001, alone=alone)
        given.given(NOW_MS, permits(0, first_ms=900_000.0), None)
        if alone:
            given.leave_alone(NOW_MS)
        assert given.wait_ms(NOW_MS) > 0
        assert given.limited(50.0, None)
        assert given.wait_ms(NOW_MS) <= 250
