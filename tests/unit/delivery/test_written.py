"""What the core makes of requests that the native step writes, and of their answers."""

from dataclasses import replace

from msgspec import structs

from consumer.delivery.core import Core
from consumer.delivery.delivery import Delivery
from consumer.delivery.kept_bodies import KeptBodies
from consumer.delivery.offsets import Position
from consumer.delivery.outcome import DELIVERED, Retry
from consumer.delivery.step import Delay
from consumer.delivery.tracing import Tracing
from consumer.events.redaction import paths_of
from tests.deliveries import event, rules
from tests.unit.delivery.test_core_steps import EVENTS, RETRY, Bench
from tests.written import came_of, kept, writing_target


def bench(*, keep: bool = False, raises: Exception | None = None, tracing: Tracing | None = None) -> Bench:
    made = Bench()
    keeping = KeptBodies(of="none", paths=paths_of([])).kept if keep else None
    target = lambda subscription: writing_target(subscription, raises)  # noqa: E731 # one line
    made.core = Core(replace(rules(), keep=keeping, tracing=tracing), decode=made.decode, target=target, mark=made)
    made.core.assigned({EVENTS: Position(0), RETRY: Position(0)})
    return made


def started(on: Bench) -> tuple[int, bytes]:
    """The one request that the step has written."""
    on.consume(event())
    step = on.next()
    assert step.send == []
    [(token, written)] = step.written
    return token, written.body


def test_of_an_accepted_delivery_neither_head_nor_body_is_read() -> None:
    on = bench()
    token, _ = started(on)
    answer = kept(200, ("retry-after", "7"))
    on.core.answered(on.now_ms, token, answer)
    assert on.position() == 1
    assert on.core.busy
    step = on.next()
    assert step.attempts == []
    [(_, unread)] = step.unread
    assert (unread.answer, unread.outcome, unread.next_tier) == (answer, DELIVERED, None)
    assert came_of(answer).read == []
    assert not on.core.busy


def test_of_a_failure_the_head_is_read_and_the_next_try_sends_the_same_body() -> None:
    on = bench()
    token, body = started(on)
    answer = kept(503, ("retry-after", "7"))
    on.core.answered(on.now_ms, token, answer)
    step = on.next()
    [(_, unread)] = step.unread
    [(_, what)] = step.write
    assert isinstance(what, Delay)
    assert isinstance(what.delayed, Delivery)
    assert (unread.outcome, unread.next_tier) == (Retry(tier=3), "20s")
    assert (what.delayed.body, what.delayed.content_type) == (body, "application/json")
    assert set(came_of(answer).read) == {"headers"}


def test_a_log_that_keeps_less_reads_the_answer() -> None:
    on = bench(keep=True)
    token, _ = started(on)
    on.core.answered(on.now_ms, token, kept())
    step = on.next()
    assert step.unread == []
    [(_, attempt)] = step.attempts
    assert (attempt.outcome, attempt.request_body, attempt.bodies) == ("delivered", b"", "none")


def test_a_traced_attempt_carries_its_own_span_and_is_read_for_it() -> None:
    on = bench(tracing=Tracing(1.0, follow=True))
    on.consume(event())
    [(token, written)] = on.next().written
    on.core.answered(on.now_ms, token, kept())
    step = on.next()
    assert step.unread == []
    assert len(step.attempts) == 1
    [traced] = step.traced
    assert dict(written.headers)["traceparent"] == traced.traceparent


def test_an_event_with_a_tracestate_is_written_in_python() -> None:
    on = bench()
    on.consume(structs.replace(event(), traceparent=f"00-{'a' * 32}-{'b' * 16}-01", tracestate="dd=s:1"))
    step = on.next()
    assert step.written == []
    [(_, request)] = step.send
    assert dict(request.headers)["tracestate"] == "dd=s:1"


def test_what_the_step_cannot_tell_is_written_in_python() -> None:
    on = bench(raises=UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogate"))
    on.consume(event())
    step = on.next()
    assert step.written == []
    assert len(step.send) == 1


def test_a_bug_of_the_step_ends_the_attempt() -> None:
    on = bench(raises=RuntimeError("delivery/src/text.rs:1"))
    on.consume(event())
    [(_, attempt)] = on.next().attempts
    assert attempt.failure == "bug"
