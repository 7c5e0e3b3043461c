"""What a traced attempt looks like: against the semantic conventions, and without anything that may be a secret."""

import pytest
from msgspec import structs
from opentelemetry.semconv._incubating.attributes import messaging_attributes as messaging
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes, url_attributes

from consumer.delivery.answer import Failure, FailureKind, Response
from consumer.delivery.logged import logged
from consumer.delivery.outcome import DELIVERED, Dead, DeathReason, Outcome, Retry
from consumer.delivery.spans import spans_of
from consumer.delivery.tracing import Tracing, ended
from consumer.signing.request import Request
from consumer.telemetry.span import Span, SpanKind
from tests.deliveries import NOW_MS, delivery, event, job, subscription

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CONVENTIONAL = {
    getattr(module, name)
    for module in (messaging, error_attributes, http_attributes, server_attributes, url_attributes)
    for name in dir(module)
    if name.isupper()
}


def spans(
    answer: Response | Failure,
    outcome: Outcome = DELIVERED,
    *,
    url: str = "https://example.com/hook",
    attempts: int = 0,
    parent: str | None = PARENT,
) -> list[Span]:
    of = delivery(structs.replace(event(), traceparent=parent, tracestate="dd=s:1"), attempts=attempts)
    if attempts:
        of = structs.replace(of, first_attempt_ms=NOW_MS - 60_000, last_attempt_ms=NOW_MS - 5_000)
    sent = job(subscription(url=url), of=of)
    sent.queued_ms, sent.started_ms = NOW_MS - 3, NOW_MS
    sent.request = Request(url=url, headers=(), body=b"payload", timeout_ms=10_000)
    traceparent = Tracing(1.0, follow=True).traced(of, NOW_MS)
    assert traceparent is not None
    attempt = logged(sent, answer, outcome, "5s" if isinstance(outcome, Retry) else None)
    return spans_of(ended(sent, traceparent, attempt), "hookline.deliver")


def answer(status: int) -> Response:
    return Response(
        status=status, headers=(("set-cookie", "s3cret"),), body=b"s3cret", body_truncated=False, elapsed_ms=7.5
    )


def test_the_first_attempt_is_two_spans_the_request_under_the_processing() -> None:
    process, request = spans(answer(200))
    assert (process.name, process.kind) == ("process events", SpanKind.CONSUMER)
    assert (process.parent_id, process.parent_is_remote) == ("b7ad6b7169203331", True)
    assert (request.name, request.kind) == ("POST", SpanKind.CLIENT)
    assert (request.parent_id, request.parent_is_remote) == (process.span_id, False)
    assert {process.trace_id, request.trace_id} == {"0af7651916cd43dd8448eb211c80319c"}
    assert {process.tracestate, request.tracestate} == {"dd=s:1"}
    assert (process.begin_ns, request.begin_ns) == ((NOW_MS - 3) * 1_000_000, NOW_MS * 1_000_000)
    assert process.end_ns == request.end_ns == NOW_MS * 1_000_000 + 7_500_000
    assert not request.failed
    assert process.attributes == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.consumer.group.name": "hookline.deliver",
        "messaging.destination.name": "events",
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 0,
        "messaging.message.id": "evt_1",
        "hookline.tenant": "acme",
        "hookline.webhook": "sub_1",
        "hookline.delivery": delivery().id,
        "hookline.event_type": "post.created",
        "hookline.trigger": "event",
    }
    assert request.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.full": "https://example.com/REDACTED",
        "server.address": "example.com",
        "server.port": 443,
        "hookline.tenant": "acme",
        "hookline.webhook": "sub_1",
        "hookline.delivery": delivery().id,
        "hookline.event_type": "post.created",
        "hookline.trigger": "event",
        "hookline.attempt": 1,
        "hookline.outcome": "delivered",
    }


def test_a_retry_is_one_span_that_links_to_the_attempt_before() -> None:
    [request] = spans(answer(503), Retry(tier=2), attempts=1)
    assert request.parent_is_remote
    assert len(request.links) == 1
    assert request.failed
    told = request.attributes
    assert (told["http.request.resend_count"], told["hookline.attempt"], told["hookline.next_tier"]) == (1, 2, "5s")
    assert (told["error.type"], told["http.response.status_code"]) == ("503", 503)


@pytest.mark.parametrize(
    ("ended_so", "outcome", "error"),
    [
        (answer(404), Retry(tier=1), "404"),
        (answer(302), Retry(tier=1), None),
        (Failure(kind=FailureKind.TIMEOUT, detail="after 5 s", elapsed_ms=5_000), Retry(tier=1), "timeout"),
        (Failure(kind=FailureKind.DNS, detail="no such host", elapsed_ms=1), Dead(reason=DeathReason.EXPIRED), "dns"),
    ],
)
def test_what_was_not_accepted_has_failed_and_says_why(
    ended_so: Response | Failure, outcome: Outcome, error: str | None
) -> None:
    request = spans(ended_so, outcome)[-1]
    assert request.failed
    assert request.attributes.get("error.type") == error
    assert request.attributes.get("hookline.reason") == (outcome.reason if isinstance(outcome, Dead) else None)


def test_an_event_without_a_trace_begins_one() -> None:
    process, _ = spans(answer(200), parent=None)
    assert process.parent_id is None
    assert process.trace_id == delivery().id


@pytest.mark.parametrize(
    ("url", "full", "address", "port"),
    [
        ("https://example.com", "https://example.com/", "example.com", 443),
        ("https://u:s3cret@a.example:8443/s3cret?key=s3cret", "https://a.example:8443/REDACTED", "a.example", 8443),
        ("http://[2001:db8::1]/?s3cret", "http://[2001:db8::1]/REDACTED", "2001:db8::1", 80),
    ],
)  # fmt: skip
def test_of_a_url_the_origin_alone_is_told(url: str, full: str, address: str, port: int) -> None:
    told = spans(answer(200), url=url)[-1].attributes
    assert (told["url.full"], told["server.address"], told["server.port"]) == (full, address, port)


@pytest.mark.parametrize("outcome", [DELIVERED, Retry(tier=1)])
def test_no_span_holds_a_payload_or_a_secret_or_a_name_that_nobody_knows(outcome: Outcome) -> None:
    for span in spans(answer(200), outcome, url="https://example.com/s3cret?key=s3cret"):
        assert "s3cret" not in repr(span)
        assert "payload" not in repr(span)
        strange = {name for name in span.attributes if not name.startswith("hookline.")} - CONVENTIONAL
        assert strange == set()
