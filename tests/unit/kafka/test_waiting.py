from typing import cast

import pytest
from confluent_kafka import Consumer, Message

from consumer.kafka.waiting import first_message

MESSAGE = cast("Message", object())


class Polled:
    """A consumer, and the clock that its polls take time of. What comes comes at a time of its own."""

    def __init__(self, comes_s: float) -> None:
        self.now_s = 100.0
        self._comes_s = 100.0 + comes_s

    def poll(self, timeout_s: float) -> Message | None:
        until_s = self.now_s + timeout_s
        if self._comes_s > until_s:
            self.now_s = until_s
            return None
        self.now_s = max(self.now_s, self._comes_s)
        return MESSAGE


def waited(polled: Polled, wait_s: float, over_s: float = 1_000.0) -> tuple[Message | None, float]:
    """What `first_message` returned, and after how long."""
    found = first_message(
        cast("Consumer", polled), wait_s, lambda: polled.now_s >= 100.0 + over_s, monotonic_s=lambda: polled.now_s
    )
    return found, round(polled.now_s - 100.0, 6)


@pytest.mark.parametrize("comes_s", [0.0, 0.1, 0.2, 0.35, 5.0])
def test_a_message_ends_the_wait_at_once(comes_s: float) -> None:
    assert waited(Polled(comes_s), 60.0) == (MESSAGE, comes_s)


@pytest.mark.parametrize("wait_s", [0.0, 0.05, 0.2, 1.01, 7.3])
def test_without_one_it_lasts_as_long_as_it_may(wait_s: float) -> None:
    assert waited(Polled(1_000.0), wait_s) == (None, wait_s)


def test_it_ends_soon_after_it_is_over() -> None:
    found, took_s = waited(Polled(1_000.0), 60.0, over_s=1.5)
    assert found is None
    assert 1.5 <= took_s <= 1.7
