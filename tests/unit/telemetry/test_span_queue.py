"""Spans on their way: nobody waits for them, what becomes of each is counted, and trouble is told once."""

import threading
from collections.abc import Iterator, Sequence

import pytest
from structlog.testing import capture_logs

from consumer.telemetry.counters import Counters
from consumer.telemetry.span import Span, SpanKind
from consumer.telemetry.span_queue import BATCH, MOST, NotTaken, SpanQueue

PATIENCE_S = 30.0


def span(name: str) -> Span:
    return Span(
        name=name,
        kind=SpanKind.CLIENT,
        trace_id="1" * 32,
        span_id="2" * 16,
        parent_id=None,
        parent_is_remote=False,
        tracestate=None,
        begin_ns=1,
        end_ns=2,
        attributes={},
    )


class Collector:
    """Takes what it is sent, once it is let; or refuses it."""

    def __init__(self) -> None:
        self.taken: list[list[str]] = []
        self.refuses = False
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Semaphore(0)
        self.closed = False

    def export(self, spans: Sequence[Span]) -> None:
        self.asked.release()
        self.open.wait(PATIENCE_S)
        if self.refuses:
            raise NotTaken("the collector answered 503")
        self.taken.append([each.name for each in spans])

    def close(self) -> None:
        self.closed = True

    def came(self) -> None:
        assert self.asked.acquire(timeout=PATIENCE_S)


def two_each(name: str) -> list[Span]:
    if name == "odd":
        raise ZeroDivisionError
    return [span(f"{name}.process"), span(f"{name}.request")]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.open.set()


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def queue(collector: Collector, counters: Counters) -> Iterator[SpanQueue[str]]:
    made = SpanQueue(two_each, collector, every_s=0.0, of=counters)
    yield made
    collector.open.set()
    made.close(PATIENCE_S)


def test_what_is_put_in_is_sent_and_counted_by_attempt(
    queue: SpanQueue[str], collector: Collector, counters: Counters
) -> None:
    queue.put(["a", "b"])
    queue.close(PATIENCE_S)
    assert [name for batch in collector.taken for name in batch] == ["a.process", "a.request", "b.process", "b.request"]
    assert counters.snapshot() == {"traced{exported}": 2}
    assert collector.closed


def test_a_collector_that_hangs_makes_nobody_wait_and_what_has_no_room_is_counted(
    queue: SpanQueue[str], collector: Collector, counters: Counters
) -> None:
    collector.open.clear()
    queue.put(["first"])
    collector.came()  # and hangs from here on
    queue.put([f"{number}" for number in range(MOST + 7)])
    queue.put(["more"])
    assert counters.snapshot() == {"traced{full}": 8}
    collector.open.set()
    queue.close(PATIENCE_S)
    assert counters.snapshot() == {"traced{full}": 8, "traced{exported}": 1 + MOST}
    assert max(map(len, collector.taken)) == 2 * BATCH


def test_a_collector_that_refuses_is_told_once_and_so_is_that_it_is_back(
    queue: SpanQueue[str], collector: Collector, counters: Counters
) -> None:
    collector.refuses = True
    with capture_logs() as lines:
        for name in ("a", "b", "c"):
            queue.put([name])
            collector.came()
        collector.open.clear()
        queue.put(["d"])
        collector.came()  # so the three before it were refused by now
        collector.refuses = False
        collector.open.set()
        queue.close(PATIENCE_S)
    assert [(line["event"], line.get("error")) for line in lines] == [
        ("traces not exported: deliveries go on without", "the collector answered 503"),
        ("over: traces not exported: deliveries go on without", None),
    ]
    assert counters.snapshot() == {"traced{not_taken}": 3, "traced{exported}": 1}


def test_a_span_that_cannot_be_made_is_a_bug_that_is_told_and_the_others_go_on(
    queue: SpanQueue[str], collector: Collector, counters: Counters
) -> None:
    with capture_logs() as lines:
        queue.put(["odd"])
        queue.close(PATIENCE_S)
    [line] = lines
    assert (line["event"], line["part"]) == ("bug contained", "traces")
    assert counters.snapshot() == {}


def test_a_process_that_ends_does_not_wait_for_a_collector_that_hangs(
    queue: SpanQueue[str], collector: Collector
) -> None:
    collector.open.clear()
    queue.put(["a"])
    collector.came()
    queue.close(0.01)
    assert collector.closed
