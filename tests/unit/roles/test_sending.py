"""Requests that the engine cannot take, or may not send now: the others go on, and nothing is lost."""

import os
from collections.abc import Callable, Iterator, Sequence

import pytest
import structlog

from consumer.delivery.answer import Answer
from consumer.delivery.core import Core
from consumer.delivery.delivery import Attempt
from consumer.delivery.offsets import Position
from consumer.delivery.target import Target
from consumer.events.event import Record
from consumer.kafka.records import decode_attempt
from consumer.signing.request import Request
from consumer.signing.written import Written
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, event, limits, rules, subscription, target_of
from tests.worker_stage import Acknowledging, Consumer, Network, Records, Tenants, Time, worker_of
from tests.written import MadeInPython, writing_target


@pytest.fixture
def pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    yield reading
    os.close(reading)
    os.close(writing)


class Asked(Tenants):
    def ask(self, _question: object) -> None:
        pass


@pytest.mark.parametrize("target", [target_of, writing_target])
def test_a_request_that_the_engine_cannot_take_is_a_failed_attempt_and_the_others_are_sent(
    target: Callable[[Subscription], Target],
) -> None:
    sent: list[int] = []

    class Odd(Network):
        def submit(self, token: int, request: Request) -> None:
            if token == 1:
                raise UnicodeEncodeError("utf-8", request.url, 0, 1, "odd")
            sent.append(token)

        def send(self, token: int, written: Written) -> None:
            assert isinstance(written, MadeInPython)
            self.submit(token, written.request)

    written: list[Attempt] = []

    class Log(Acknowledging):
        def write(self, key: bytes, value: bytes) -> None:
            written.append(decode_attempt(value))

    class Kept(Records):
        def write(self, token: int, **_record: object) -> None:
            pass

    time = Time()
    core = Core(rules(), decode=lambda record: event(f"evt_{record.offset}", offset=record.offset), target=target)
    core.assigned({("events", 0): Position(0)})
    worker = worker_of(
        core, time, records=Kept(time, polls=1), attempts=Log(), network=Odd(), consumer=Consumer(), tenants=Asked(-1)
    )
    for offset in (0, 1):
        core.records(
            NOW_MS,
            [Record(topic="events", partition=0, offset=offset, key=None, value=b"", headers=(), timestamp_ms=NOW_MS)],
        )
    worker._turn()
    core.loaded(NOW_MS, "acme", Loaded(version="1", subscriptions=(subscription(),)))
    with structlog.testing.capture_logs() as lines:
        for _ in range(4):
            worker._turn()
    assert sent == [2]
    assert [(attempt.failure, attempt.outcome) for attempt in written] == [("bug", "retry")]
    [told] = [line for line in lines if line["event"] == "bug contained"]
    assert (told["log_level"], told["offset"], told["delivery"]) == ("error", 0, written[0].delivery_id)
    assert "example.com" not in str(told)


@pytest.mark.parametrize("target", [target_of, writing_target])
def test_whoever_writes_the_requests_few_begin_before_a_commit_is_accepted(
    target: Callable[[Subscription], Target],
) -> None:
    """A process that is killed right after its start repeats what was begun since (`roles/pace.py`)."""
    sent: list[int] = []

    class Hanging(Network):
        def submit(self, token: int, request: Request) -> None:
            sent.append(token)

        def send(self, token: int, written: Written) -> None:
            sent.append(token)

    time = Time()
    core = Core(
        rules(of_limits=limits(in_flight=100, lane_concurrency=50)),
        decode=lambda record: event(f"evt_{record.offset}", offset=record.offset),
        target=target,
    )
    core.assigned({("events", 0): Position(0)})
    worker = worker_of(
        core,
        time,
        records=Records(time, polls=1, takes_s=0),
        attempts=Acknowledging(),
        network=Hanging(),
        consumer=Consumer(),
        tenants=Asked(-1),
    )
    core.records(
        NOW_MS,
        [
            Record(topic="events", partition=0, offset=offset, key=None, value=b"", headers=(), timestamp_ms=NOW_MS)
            for offset in range(40)
        ],
    )
    worker._turn()
    core.loaded(NOW_MS, "acme", Loaded(version="1", subscriptions=tuple(map(subscription, ("a", "b", "c")))))
    for _ in range(4):
        worker._turn()
    assert len(sent) == 8  # a lane alone may send as many


class Sending(Network):
    """Takes requests, and gives them back."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[int] = []
        self.waited_s: list[float] = []

    def submit(self, token: int, request: Request) -> None:
        self.sent.append(token)

    def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
        self.waited_s.append(wait_s)
        return ()

    def unsent(self) -> Sequence[int]:
        unsent, self.sent = self.sent, []
        return unsent


def test_while_requests_may_not_leave_nothing_is_begun_or_read_and_nothing_is_lost(pipe: int) -> None:
    time, network = Time(), Sending()
    core = Core(rules(), decode=lambda record: event(offset=record.offset), target=target_of)
    worker = worker_of(
        core,
        time,
        records=Records(time, polls=1, takes_s=0),
        attempts=Acknowledging(),
        network=network,
        consumer=Consumer(),
        fd=pipe,
    )
    core.assigned({("events", 0): Position(0)})
    core.records(
        NOW_MS,
        [Record(topic="events", partition=0, offset=0, key=None, value=b"", headers=(), timestamp_ms=NOW_MS)],
    )
    core.next(NOW_MS, NOW_MS, most=0)
    core.loaded(NOW_MS, "acme", Loaded(version="1", subscriptions=(subscription(),)))
    network.open = False
    worker._start()
    assert network.sent == []
    assert worker._room(NOW_MS) == 0
    worker._collect()
    assert network.waited_s == [0.02], "the loop neither spins nor looks too seldom"
    network.open = True
    worker._start()
    [first] = network.sent
    worker._collect()  # it comes back as unsent
    worker._start()
    [second] = network.sent
    assert second != first
    assert core.counted()["unsent"] == 1
