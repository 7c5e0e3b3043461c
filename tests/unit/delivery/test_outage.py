"""An endpoint that is down for ten hours while events arrive: what comes after its recovery, and what had waited."""

import heapq
import itertools

from consumer.delivery.answer import FailureKind
from tests.delay_topics import HOUR_MS, DelayTopics, _Process
from tests.deliveries import NOW_MS, failure, subscription

DOWN_MS = 10 * HOUR_MS
EVERY_MS = 120_000
AFTER_MS = HOUR_MS // 2
SOON_MS = 2_000
CAUGHT_UP_MS = 20_000


class Down(DelayTopics):
    """From its first event on it takes no connection, until it is back."""

    def __init__(self) -> None:
        super().__init__(subscription(), lambda _: 50)
        self.published_ms: dict[str, int] = {}
        for number in range((DOWN_MS + AFTER_MS) // EVERY_MS):
            self._at(NOW_MS + number * EVERY_MS, lambda number=number: self._publish(number))  # type: ignore[misc]

    def _publish(self, number: int) -> None:
        self.published_ms[f"e{number}"] = self.now_ms
        self.publish(1)
        self._wake(self._deliver, self.now_ms)

    def _answer(self, process: _Process, token: int, name: str) -> None:
        if self.now_ms >= NOW_MS + DOWN_MS:
            super()._answer(process, token, name)
            return
        process.core.answered(self.now_ms, token, failure(FailureKind.CONNECT))
        self._wake(process, self.now_ms)

    def run(self) -> int:
        """Until the last event has ended."""
        self._logs.setdefault(("events", 0), [])
        while len(self.ended_ms) + sum(self.dead.values()) < (DOWN_MS + AFTER_MS) // EVERY_MS:
            self.now_ms, _, happen = heapq.heappop(self._happens)
            happen()
        return self.now_ms - NOW_MS


def test_after_ten_hours_new_events_go_at_once_and_what_waited_within_minutes_the_oldest_first() -> None:
    down = Down()
    down.run()
    assert not down.dead
    back_ms = NOW_MS + DOWN_MS
    new = [down.ended_ms[name] - at_ms for name, at_ms in down.published_ms.items() if at_ms >= back_ms]
    assert len(new) == AFTER_MS // EVERY_MS
    assert max(new) <= SOON_MS
    waited = sorted(
        (down.ended_ms[name], at_ms)
        for name, at_ms in down.published_ms.items()
        if at_ms < back_ms and name in down.ended_ms
    )
    assert len(waited) == DOWN_MS // EVERY_MS
    assert waited[-1][0] - back_ms <= CAUGHT_UP_MS
    ages = [at_ms for _, at_ms in waited]
    assert sum(after < before for before, after in itertools.pairwise(ages)) <= len(ages) // 20
    assert max(down.written.values()) <= 20
