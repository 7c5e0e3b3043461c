import logging
import time

import pytest

from consumer.kafka.attempt_log import AttemptLog
from consumer.settings import Settings


def test_what_librdkafka_has_to_say_is_no_attempt(caplog: pytest.LogCaptureFixture) -> None:
    """A client's queue also counts errors and log lines for us: they keep no ticket from being given out or had."""
    caplog.set_level(logging.CRITICAL, logger="librdkafka")
    log = AttemptLog(Settings(kafka={"bootstrap.servers": "127.0.0.1:1"}))
    writing, resting = log._pair
    until_s = time.monotonic() + 10
    while len(resting.producer) == 0 and time.monotonic() < until_s:
        time.sleep(0.01)
    assert len(resting.producer) > 0, "it had nothing to say: nothing is shown"
    assert log._active is writing
    ticket = log.ticket()
    assert log._active is resting
    while not log.has(ticket) and time.monotonic() < until_s:
        log.poll()
    assert log.has(ticket)
    assert log.close(0.1) == 0


def test_a_full_queue_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="librdkafka")
    log = AttemptLog(Settings(kafka={"bootstrap.servers": "127.0.0.1:1", "queue.buffering.max.messages": "200"}))
    for _ in range(200):
        assert not log.full
        log.write(b"sub_1", b"attempt")
    log.write(b"sub_1", b"attempt")
    assert log.full
