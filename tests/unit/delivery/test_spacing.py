"""An endpoint that takes so many requests a second, and tells nobody, gets about as many."""

from collections import deque
from dataclasses import dataclass

import pytest

from consumer.delivery.lane import Job
from consumer.delivery.outcome import read
from consumer.delivery.spacing import MOST_MS, Spacing
from consumer.delivery.traffic import Traffic
from tests.deliveries import NOW_MS, job, limits, response, subscription

HOOK = subscription()
WAITING = 4
TAKES_MS = 40
LOOKS_EVERY_MS = 500


@dataclass
class Taken:
    accepted: int = 0
    refused: int = 0


class Bench:
    """An endpoint that takes `per_s` requests a second and a second's worth at once, and always more to send."""

    def __init__(self, per_s: float, *, status: int = 429, fails_each: int = 0) -> None:
        self.traffic = Traffic(limits(in_flight=1_000, lane_concurrency=16))
        self.now_ms = NOW_MS
        self.per_s = per_s
        self._status = status
        self._fails_each = fails_each
        self._answers = 0
        self._full_ms = 0.0  # when its bucket is empty again
        self._flying: deque[tuple[int, Job, int]] = deque()

    def run(self, for_ms: int) -> Taken:
        taken = Taken()
        end_ms = self.now_ms + for_ms
        while self.now_ms < end_ms:
            self.now_ms = self._next_ms(end_ms)
            while self._flying and self._flying[0][0] <= self.now_ms:
                _, begun, status = self._flying.popleft()
                taken.accepted += status == 200
                taken.refused += status != 200
                self.traffic.answered(begun, read(response(status), self.now_ms), self.now_ms)
            while self.traffic.queued < WAITING and self.traffic.offer(job(HOOK), self.now_ms) is None:
                pass
            for begun in self.traffic.start(self.now_ms):
                self._flying.append((self.now_ms + TAKES_MS, begun, self._answer()))
        return taken

    def _next_ms(self, end_ms: int) -> int:
        """When something can happen."""
        times = [each for each in (self.traffic.wake_ms(self.now_ms), *(each[0] for each in self._flying)) if each]
        return max(self.now_ms + 1, min([*times, end_ms, self.now_ms + LOOKS_EVERY_MS]))

    def empty(self) -> None:
        """It has forgotten what it took."""
        self._full_ms = 0.0

    def _answer(self) -> int:
        self._answers += 1
        if self._fails_each and self._answers % self._fails_each == 0:
            return self._status
        full_ms = max(self._full_ms, float(self.now_ms))
        if full_ms - self.now_ms > 1_000:
            return self._status
        self._full_ms = full_ms + 1_000 / self.per_s
        return 200


@pytest.mark.parametrize("per_s", [1.0, 12.0])
def test_what_it_takes_is_found_and_used(per_s: float) -> None:
    bench = Bench(per_s)
    bench.run(60_000)
    for_ms = int(150_000 / per_s)
    taken = bench.run(for_ms)
    assert taken.accepted >= 0.9 * per_s * for_ms / 1_000
    assert taken.refused <= 0.12 * taken.accepted


def test_a_limit_that_is_lifted_is_forgotten() -> None:
    bench = Bench(1.0)
    bench.run(60_000)
    bench.per_s = 1_000_000.0
    bench.run(60_000)
    assert bench.run(2_000).accepted >= 190  # 200: of four that wait, each takes 40 ms


def test_one_that_refused_everything_for_long_is_sent_as_much_as_before_when_it_is_back() -> None:
    bench = Bench(50.0)
    bench.run(10_000)
    bench.per_s = 1e-9
    bench.run(600_000)
    bench.per_s = 50.0
    bench.empty()
    bench.run(int(MOST_MS))
    taken = bench.run(20_000)
    assert taken.accepted >= 800


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_endpoint_that_fails_now_and_then_is_not_spaced(status: int) -> None:
    bench = Bench(1_000_000.0, status=status, fails_each=5)
    bench.run(60_000)
    assert bench.run(10_000).accepted >= 200  # one after the other


def test_refusals_of_what_began_before_count_once() -> None:
    spacing = Spacing(100, NOW_MS)
    gap_ms = spacing.gap_ms
    for began_ms in (NOW_MS - 50, NOW_MS):
        spacing.refused(began_ms, NOW_MS + 10)
    assert spacing.gap_ms == gap_ms
    spacing.refused(NOW_MS + 1, NOW_MS + 20)
    assert spacing.gap_ms == 2 * gap_ms


def test_no_gap_is_longer_than_the_most() -> None:
    spacing = Spacing(1_000_000, NOW_MS)
    for _ in range(10):
        spacing.refused(NOW_MS + 1, NOW_MS)
    assert spacing.gap_ms == MOST_MS
