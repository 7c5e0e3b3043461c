"""A webhook's limits hold over all processes together, whatever becomes of each; and what they allow is used."""

import pytest

from consumer.delivery.breaker import EARLY_MS
from tests.deliveries import subscription
from tests.fleet import Fleet, most_within

WINDOW_MS = 10_000


@pytest.mark.parametrize(
    ("rate_per_s", "for_ms"), [(1 / 3_600, 40_000), (0.2, 60_000), (3.0, 30_000), (70.0, 20_000), (1_000.0, 12_000)]
)
def test_a_rate_is_reached_by_all_together_and_not_exceeded(rate_per_s: float, for_ms: int) -> None:
    fleet = Fleet(subscription(rate_per_s=rate_per_s))
    for _ in range(3):
        fleet.add(offers=int(rate_per_s) + 5)
    fleet.run(for_ms)
    assert most_within(fleet.starts, WINDOW_MS) <= rate_per_s * WINDOW_MS / 1_000 * 1.05 + 1
    assert len(fleet.starts) >= rate_per_s * for_ms / 1_000 * 0.95
    assert rate_per_s < 1 or len(set(fleet.started_by)) == 3


@pytest.mark.parametrize("rate_per_s", [3.0, 70.0])
def test_a_rate_holds_while_processes_die_and_come_and_answers_are_lost(rate_per_s: float) -> None:
    fleet = Fleet(subscription(rate_per_s=rate_per_s), lost=0.05)
    for _ in range(3):
        fleet.add()
    for _ in range(6):
        fleet.run(3_000)
        fleet.kill(fleet.members[0])
        fleet.run(2_000)
        fleet.add()
    assert most_within(fleet.starts, WINDOW_MS) <= rate_per_s * WINDOW_MS / 1_000 * 1.05 + 1
    assert len(fleet.starts) >= rate_per_s * 30 * 0.8


@pytest.mark.parametrize(("most", "processes"), [(1, 1), (1, 3), (4, 2), (16, 3)])
def test_requests_at_once_are_no_more_than_allowed_and_as_many_as_allowed(most: int, processes: int) -> None:
    fleet = Fleet(subscription(max_concurrency=most))
    for _ in range(processes):
        fleet.add()
    fleet.run(20_000)
    assert fleet.most_flying <= most
    full = most * 20_000 / 25  # a request takes 20 ms, and a turn until its answer is met
    assert len(fleet.starts) >= full * (0.95 if processes <= most else 0.8)
    assert len(set(fleet.started_by)) == processes


def test_the_places_of_a_process_that_died_are_used_again() -> None:
    fleet = Fleet(subscription(max_concurrency=4), answers_after_ms=lambda: 200)
    dead, _ = fleet.add(), fleet.add()
    fleet.run(5_000)
    fleet.kill(dead)
    fleet.run(11_000)
    before = len(fleet.starts)
    fleet.run(10_000)
    assert len(fleet.starts) - before >= 4 * 10_000 / 205 * 0.9
    assert fleet.most_flying <= 4


def test_without_anybody_who_keeps_it_each_process_takes_its_share() -> None:
    fleet = Fleet(subscription(rate_per_s=30.0, max_concurrency=9))
    for _ in range(3):
        fleet.add()
    for each in fleet.members:
        each.traffic.standings.shared_by(3)
    fleet.run(10_000)
    fleet.away = True
    fleet.run(20_000)
    away = [at_ms for at_ms in fleet.starts if at_ms > fleet.now_ms - 15_000]
    assert 30 * 15 * 0.95 <= len(away) <= 30 * 15 * 1.05 + 3
    assert most_within(fleet.starts, WINDOW_MS) <= 30 * 10 * 1.05 + 30
    fleet.away = False
    fleet.run(15_000)
    assert most_within(fleet.starts, WINDOW_MS) <= 30 * 10 * 1.05 + 30
    assert len([at_ms for at_ms in fleet.starts if at_ms > fleet.now_ms - 10_000]) >= 30 * 10 * 0.95


def test_a_breaker_is_open_for_all_and_one_probe_closes_it_for_all() -> None:
    down = True
    fleet = Fleet(subscription(max_concurrency=30), answers_after_ms=lambda: None if down else 20)
    for _ in range(3):
        fleet.add()
    fleet.run(2_500)
    before = len(fleet.starts)
    fleet.run(12_000)
    early = (12_000 - 2_500) // EARLY_MS
    assert 1 <= len(fleet.starts) - before <= 4 + early, "one probe at a time, what is new at most every EARLY_MS"
    down = False
    fleet.run(22_000)
    recovered_by = set(fleet.started_by[-100:])
    assert len(recovered_by) == 3
    assert fleet.state.level == -1
    assert fleet.state.recovered_ms > 0
