from collections.abc import Sequence

import pytest

from consumer.replay.plan import Planned, Planner
from consumer.replay.run import Clock, Summary, replay
from consumer.webhooks.subscription import Status
from tests.dead_letters import dead_letter


class Time:
    def __init__(self) -> None:
        self.now_s = 100.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now_ms=lambda: int(self.now_s * 1_000), monotonic_s=lambda: self.now_s, sleep=self.sleep)


def a_planner() -> Planner:
    return Planner(generations={}, statuses={"wh_1": Status.ACTIVE}, max_replays=5)


@pytest.mark.parametrize("rate_per_s", [0.5, 7.0, 100.0])
def test_a_rate_is_kept_and_used(rate_per_s: float) -> None:
    time = Time()
    written: list[float] = []

    def write(batch: Sequence[Planned]) -> None:
        written.extend([time.now_s] * len(batch))

    dead = [dead_letter(number) for number in range(50)]
    replay(dead, a_planner(), write, clock=time.clock, most=500, rate_per_s=rate_per_s)
    assert len(written) == 50
    span_s = written[-1] - written[0]
    assert 0.75 * 50 / rate_per_s <= span_s <= 1.1 * 50 / rate_per_s


def test_a_batch_is_bounded_in_number() -> None:
    sizes: list[int] = []
    dead = [dead_letter(number) for number in range(25)]
    replay(dead, a_planner(), lambda batch: sizes.append(len(batch)), clock=Time().clock, most=10)
    assert sizes == [10, 10, 5]


def test_a_stop_writes_nothing_more_and_tells_how_far_it_came() -> None:
    written: list[Planned] = []
    dead = [dead_letter(number) for number in range(25)]
    summary = replay(dead, a_planner(), written.extend, clock=Time().clock, most=10, stop=lambda: len(written) >= 10)
    assert (summary.replayed, summary.stopped, len(written)) == (10, True, 10)


def test_a_failed_batch_is_not_counted() -> None:
    summary = Summary()
    calls = 0

    def write(batch: Sequence[Planned]) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError

    dead = [dead_letter(number) for number in range(25)]
    with pytest.raises(OSError):  # noqa: PT011 # the one raised above
        replay(dead, a_planner(), write, clock=Time().clock, most=10, summary=summary)
    assert summary.replayed == 10
