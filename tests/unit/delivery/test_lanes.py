"""Lanes are forgotten when nothing of them need be remembered, and what is done turn by turn meets only the busy."""

import pytest

from consumer.delivery import lanes
from consumer.delivery.answer import FailureKind
from consumer.delivery.breaker import THRESHOLD
from consumer.delivery.lane import Job
from consumer.delivery.lanes import IDLE_MS, Lanes
from consumer.delivery.outcome import read
from consumer.delivery.standing import Standing
from consumer.delivery.streak import REMEMBERED_MS
from consumer.delivery.traffic import Traffic
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, failure, job, limits, response, subscription
from tests.operations import operations

SWEEP_MS = 250


class Bench:
    """A traffic whose lanes are looked at."""

    def __init__(self) -> None:
        self.traffic = Traffic(limits(in_flight=10_000))
        self.now_ms = NOW_MS

    @property
    def lanes(self) -> Lanes:
        return self.traffic._lanes

    def start(self, to: Subscription) -> Job:
        assert self.traffic.offer(job(to), self.now_ms) is None
        [begun] = self.traffic.start(self.now_ms)
        return begun

    def deliver(self, to: Subscription, status: int = 200, *headers: tuple[str, str]) -> None:
        self.traffic.answered(self.start(to), read(response(status, *headers), self.now_ms), self.now_ms)

    def fail(self, to: Subscription) -> None:
        """As often as it takes to open its breaker."""
        for _ in range(THRESHOLD):
            self.traffic.answered(self.start(to), read(failure(FailureKind.TIMEOUT), self.now_ms), self.now_ms)

    def sweep(self, after_ms: int = SWEEP_MS) -> None:
        self.now_ms += after_ms
        self.traffic.overdue(self.now_ms)


def of(number: int) -> Subscription:
    return subscription(f"sub_{number}", tenant=f"tenant_{number}", url=f"https://{number}.example/")


def test_a_sweep_costs_nothing_for_lanes_that_are_idle() -> None:
    def cost(idle: int) -> tuple[int, int]:
        bench = Bench()
        for number in range(idle):
            bench.deliver(of(number))
        bench.sweep()
        bench.start(of(0))
        bench.now_ms += SWEEP_MS
        sweep = operations(lambda: bench.traffic.overdue(bench.now_ms))
        drain = operations(lambda: bench.traffic.unqueue(lambda _: True))
        assert len(bench.lanes) == idle
        return sweep, drain

    assert cost(10) == cost(1_000)


def test_a_lane_that_is_idle_for_long_vanishes_with_its_origin_and_its_share() -> None:
    bench = Bench()
    for number in range(20):
        bench.deliver(of(number))
    bench.sweep()
    bench.sweep(IDLE_MS - 1)
    assert len(bench.lanes) == 20
    bench.sweep()
    assert (len(bench.lanes), bench.lanes.holders) == (0, 0)


def test_an_origin_and_a_share_stay_for_the_lanes_that_stay() -> None:
    bench = Bench()
    bench.deliver(subscription("a"))
    begun = bench.start(subscription("b"))
    bench.sweep()
    bench.sweep(IDLE_MS)
    assert (len(bench.lanes), bench.lanes.holders) == (1, 2)
    assert begun.lane is not None
    assert begun.lane.origin.flying == 1


def test_a_lane_that_is_busy_again_is_not_forgotten() -> None:
    bench = Bench()
    bench.deliver(of(1))
    bench.sweep()
    bench.sweep(IDLE_MS - SWEEP_MS)
    begun = bench.start(of(1))
    bench.sweep(10 * IDLE_MS)
    assert begun.lane in bench.lanes.busy
    bench.traffic.answered(begun, read(response(), bench.now_ms), bench.now_ms)
    bench.sweep()
    bench.sweep(IDLE_MS - 1)
    assert len(bench.lanes) == 1
    bench.sweep()
    assert len(bench.lanes) == 0


def test_many_idle_lanes_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "IDLE_MOST", 10)
    bench = Bench()
    for number in range(30):
        bench.deliver(of(number))
        bench.sweep()
    assert len(bench.lanes) == 10
    assert bench.lanes.holders == 20
    for number in range(100, 130):
        bench.fail(of(number))
        bench.sweep()
    assert len(bench.lanes) == 20  # of those with an open breaker as many, besides


def test_what_keeps_requests_back_is_remembered_until_it_is_over() -> None:
    bench = Bench()
    bench.deliver(subscription("limited", rate_per_s=0.01))
    bench.deliver(subscription("asked"), 429, ("retry-after", "60"))
    bench.sweep()
    bench.sweep(IDLE_MS)
    assert len(bench.lanes) == 2
    assert bench.traffic.offer(job(subscription("limited", rate_per_s=0.01)), bench.now_ms) is not None
    bench.sweep(IDLE_MS)
    bench.sweep(IDLE_MS * 2)
    assert len(bench.lanes) == 1, "its last request was not accepted"
    bench.sweep(REMEMBERED_MS)
    assert len(bench.lanes) == 0


def test_an_open_breaker_is_remembered_for_a_day_and_then_forgotten() -> None:
    bench = Bench()
    bench.fail(of(1))
    bench.sweep()
    bench.sweep(590_000)
    assert bench.traffic.offer(job(of(1)), bench.now_ms) is None  # the probe
    [probe] = bench.traffic.start(bench.now_ms)
    assert probe.probe
    bench.traffic.answered(probe, read(failure(FailureKind.TIMEOUT), bench.now_ms), bench.now_ms)
    bench.sweep()
    bench.sweep(REMEMBERED_MS - 10_000)
    assert len(bench.lanes) == 1
    bench.sweep(20_000)
    assert len(bench.lanes) == 0


def test_what_others_tell_of_a_lane_that_is_kept_is_remembered_in_its_turn() -> None:
    bench = Bench()
    job_ = bench.start(of(1))
    bench.traffic.answered(job_, read(failure(FailureKind.TIMEOUT), bench.now_ms), bench.now_ms)
    failed_ms = bench.now_ms
    bench.sweep()
    bench.sweep(IDLE_MS)
    [lane] = bench.lanes._lanes.values()
    told = Standing(
        number=1,
        permits=None,
        places=None,
        pace_per_s=0.0,
        horizon_ms=0.0,
        waiting=0,
        until_ms=0.0,
        level=0,
        open_ms=300_000,
    )
    bench.now_ms = failed_ms + REMEMBERED_MS - 10_000
    lane.breaker.heard(bench.now_ms, float(bench.now_ms), told)
    bench.sweep(60_000)
    assert list(bench.lanes._lanes.values()) == [lane]
    bench.sweep(2 * 600_000)
    assert not bench.lanes


def test_a_lane_whose_last_request_was_not_accepted_is_remembered_and_tells_when_one_is() -> None:
    bench = Bench()
    for _ in range(2):
        bench.deliver(of(1), 503)
        bench.sweep()
        bench.sweep(3_600_000)
    [lane] = bench.lanes._lanes.values()
    assert lane.fails
    assert lane.accepted_for_ms(bench.now_ms) is None
    bench.deliver(of(1))
    assert lane.accepted_for_ms(bench.now_ms) == 0
    bench.sweep()
    bench.sweep(IDLE_MS)
    assert not bench.lanes


def test_a_lane_that_is_kept_twice_is_forgotten_once() -> None:
    bench = Bench()
    bench.fail(of(1))
    for _ in range(2):
        bench.sweep()
        bench.sweep(IDLE_MS)
        bench.lanes.stir(bench.lanes.of(of(1)))
    bench.sweep()
    bench.sweep(IDLE_MS)
    bench.sweep(REMEMBERED_MS)
    assert (len(bench.lanes), bench.lanes.holders) == (0, 0)


def test_a_tenant_that_waited_in_vain_for_room_leaves_nothing_behind() -> None:
    bench = Bench()
    bench.traffic = Traffic(limits(in_flight=10, tenant_in_flight=1))
    first = bench.start(subscription("a"))
    bench.traffic.offer(job(subscription("b")), bench.now_ms)
    assert list(bench.traffic.start(bench.now_ms)) == []
    assert len(bench.traffic._stands.blocked) == 1
    bench.sweep()
    bench.sweep(2_001)  # what waited is spilled
    bench.traffic.answered(first, read(response(), bench.now_ms), bench.now_ms)
    bench.sweep()
    bench.sweep(IDLE_MS)
    assert (len(bench.lanes), len(bench.traffic._stands.blocked)) == (0, 0)
