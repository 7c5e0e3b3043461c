from consumer.delivery.breaker import THRESHOLD, Breaker

TIMES = (1_000, 5_000)


def opened() -> Breaker:
    breaker = Breaker(TIMES)
    for _ in range(THRESHOLD):
        breaker.failed(0, probe=False)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_no_sooner() -> None:
    breaker = Breaker(TIMES)
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
    assert breaker.started()
    assert breaker.wait_ms(1_000) > 0


def test_a_probe_that_is_answered_closes_it() -> None:
    breaker = opened()
    breaker.started()
    breaker.answered(1)
    assert breaker.closed
    assert not breaker.started()


def test_failed_probes_climb_the_times_and_the_last_repeats() -> None:
    breaker = opened()
    for now_ms in (1_000, 10_000):
        assert breaker.started()
        breaker.failed(now_ms, probe=True)
        assert breaker.wait_ms(now_ms) == 5_000


def test_what_was_under_way_before_it_opened_neither_prolongs_it_nor_takes_the_probes_place() -> None:
    breaker = opened()
    breaker.failed(900, probe=False)
    assert breaker.wait_ms(900) == 100
    breaker.started()
    breaker.failed(1_100, probe=False)
    assert breaker.wait_ms(1_100) > 0
    breaker.abandoned(probe=False)
    assert breaker.wait_ms(1_100) > 0
    breaker.abandoned(probe=True)
    assert breaker.wait_ms(1_100) == 0
