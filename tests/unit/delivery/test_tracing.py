"""Which attempts are traced, and what their requests carry."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from consumer.delivery.core import Core
from consumer.delivery.delivery import Delivery
from consumer.delivery.offsets import Position
from consumer.delivery.step import Delay, Step
from consumer.delivery.tracing import Traced, Tracing, span_id
from consumer.events.event import Event, Record
from consumer.webhooks.reader import Loaded
from tests.deliveries import NOW_MS, crowd, delivery, event, record_at, response, rules, subscription, target_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
PRODUCER = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PRODUCER}-01"
NOT_SAMPLED = f"00-{TRACE}-{PRODUCER}-00"
EVENTS, RETRY = ("events", 0), ("retry.1s", 0)


def of_producer(parent: str | None, state: str | None = None) -> Delivery:
    return delivery(structs.replace(event(), traceparent=parent, tracestate=state))


class Traffic:
    """A core that traces, and one webhook."""

    def __init__(self, tracing: Tracing | None) -> None:
        self.contents: dict[tuple[str, int], Event | Delivery] = {}
        self.core = Core(replace(rules(), tracing=tracing), decode=self._decode, target=target_of)
        self.core.assigned({EVENTS: Position(0), RETRY: Position(0)})
        self.now_ms = NOW_MS

    def _decode(self, record: Record) -> Event | Delivery:
        return self.contents[record.topic, record.offset]

    def consume(self, content: Event | Delivery, place: tuple[str, int] = EVENTS) -> None:
        self.contents[place[0], 0] = content
        self.core.records(self.now_ms, [record_at(place, 0, self.now_ms)])

    def sent(self, *, after_ms: int = 0) -> tuple[int, dict[str, str]]:
        """The one request that is made now: its token and its headers."""
        self.now_ms += after_ms
        step = self.core.next(self.now_ms, self.now_ms)
        sent = [*step.send]
        for tenant in step.load:
            self.core.loaded(self.now_ms, tenant, Loaded(version="1", subscriptions=(subscription(),)))
            sent += self.core.next(self.now_ms, self.now_ms).send
        [(token, request)] = sent
        return token, dict(request.headers)

    def answered(self, token: int, status: int) -> Step:
        self.now_ms += 10
        self.core.answered(self.now_ms, token, response(status))
        return self.core.next(self.now_ms, self.now_ms)


ALL = Tracing(1.0, follow=True)


@given(trace=st.integers(1, 2**128 - 1), ratio=st.floats(0, 1) | st.sampled_from([0.0, 1.0, 0.5, 2**-64]))
def test_a_ratio_means_the_same_traces_as_to_everybody_else(trace: int, ratio: float) -> None:
    theirs = TraceIdRatioBased(ratio).should_sample(None, trace, "").decision is Decision.RECORD_AND_SAMPLE
    given_by_producer = of_producer(f"00-{trace:032x}-{PRODUCER}-00")
    assert (Tracing(ratio, follow=False).traced(given_by_producer, NOW_MS) is not None) is theirs
    begun_here = structs.replace(delivery(), id=f"{trace:032x}")
    assert (Tracing(ratio, follow=True).traced(begun_here, NOW_MS) is not None) is theirs


@pytest.mark.parametrize(
    ("flags", "traced"), [("00", False), ("01", True), ("02", False), ("03", True), ("fe", False), ("ff", True)]
)
def test_the_producer_s_flag_decides_where_it_is_followed(flags: str, *, traced: bool) -> None:
    told = of_producer(f"00-{TRACE}-{PRODUCER}-{flags}")
    assert (Tracing(0.0, follow=True).traced(told, NOW_MS) is not None) is traced
    assert Tracing(0.0, follow=False).traced(told, NOW_MS) is None
    assert Tracing(1.0, follow=False).traced(told, NOW_MS) is not None


def test_a_trace_that_begins_here_has_the_id_of_the_delivery() -> None:
    begun = ALL.traced(delivery(), NOW_MS)
    assert begun is not None
    assert begun.split("-")[1] == delivery().id


@given(number=st.integers(0, 9), began_ms=st.integers(0, 2**41))
def test_no_two_attempts_have_one_span(number: int, began_ms: int) -> None:
    own = span_id("0" * 32, number, began_ms)
    assert own not in {span_id("0" * 32, number, began_ms + 1), span_id("0" * 32, number + 1, began_ms)}
    assert len(own) == 16


def test_the_request_of_a_traced_attempt_carries_its_span_and_the_producer_s_tracestate() -> None:
    traffic = Traffic(ALL)
    traffic.consume(structs.replace(event(), traceparent=SAMPLED, tracestate="dd=s:1"))
    token, headers = traffic.sent()
    version, trace, span, flags = headers["traceparent"].split("-")
    assert (version, trace, flags, headers["tracestate"]) == ("00", TRACE, "01", "dd=s:1")
    assert span != PRODUCER
    [traced] = traffic.answered(token, 200).traced
    assert (traced.span_id, traced.trace_id, traced.parent_id, traced.last_id) == (span, TRACE, PRODUCER, None)
    assert (traced.attempt.status, traced.attempt.at_ms, traced.queued_ms) == (200, NOW_MS, NOW_MS)


@pytest.mark.parametrize("tracing", [None, ALL, Tracing(0.0, follow=False)])
def test_what_is_not_traced_carries_the_producer_s_context_as_it_was(tracing: Tracing | None) -> None:
    traffic = Traffic(tracing)
    traffic.consume(structs.replace(event(), traceparent=NOT_SAMPLED, tracestate="dd=s:0"))
    token, headers = traffic.sent()
    assert (headers["traceparent"], headers["tracestate"]) == (NOT_SAMPLED, "dd=s:0")
    assert traffic.answered(token, 200).traced == []


def test_what_is_not_traced_and_has_no_context_gets_none() -> None:
    traffic = Traffic(Tracing(0.0, follow=True))
    traffic.consume(event())
    _, headers = traffic.sent()
    assert not {"traceparent", "tracestate"} & headers.keys()


@pytest.mark.parametrize("parent", [SAMPLED, None])
def test_the_next_attempt_is_of_the_same_trace_and_knows_the_one_before(parent: str | None) -> None:
    first = Traffic(ALL)
    first.consume(structs.replace(event(), traceparent=parent))
    token, _ = first.sent()
    step = first.answered(token, 500)
    [before] = step.traced
    [(_, write)] = step.write
    assert isinstance(write, Delay)
    assert isinstance(write.delayed, Delivery)
    assert write.delayed.event.traceparent == parent  # it is the producer's, not ours

    second = Traffic(ALL)  # another process
    second.consume(structs.replace(write.delayed, tier=1), RETRY)
    token, headers = second.sent(after_ms=1_200)
    [after] = second.answered(token, 200).traced
    assert (after.trace_id, after.process_id, after.last_id) == (before.trace_id, before.process_id, before.span_id)
    assert headers["traceparent"].split("-")[2] == after.span_id != before.span_id


def test_what_is_handed_over_is_told_once_with_its_answer() -> None:
    traffic = Traffic(ALL)
    traffic.consume(event())
    token, _ = traffic.sent()
    crowd(traffic.core, EVENTS)
    traffic.now_ms += 2_100
    step = traffic.core.next(traffic.now_ms, traffic.now_ms)
    assert ([each.failure for _, each in step.attempts], step.traced) == (["unanswered"], [])
    [traced] = traffic.answered(token, 200).traced
    assert traced.attempt.status == 200


def test_of_bodies_and_headers_nothing_is_kept() -> None:
    traffic = Traffic(ALL)
    traffic.consume(event())
    token, _ = traffic.sent()
    [traced] = traffic.answered(token, 200).traced
    assert isinstance(traced, Traced)
    kept = traced.attempt
    assert (kept.request_headers, kept.response_headers, kept.request_body, kept.response_body) == ((), (), b"", b"")
