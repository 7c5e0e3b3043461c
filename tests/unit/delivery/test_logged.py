"""The record of an attempt tells what the delivery log shows."""

from msgspec.structs import replace

from consumer.delivery.answer import Failure, FailureKind, Timing
from consumer.delivery.delivery import Trigger
from consumer.delivery.logged import logged, stripped, unlogged
from consumer.delivery.outcome import DELIVERED, Dead, DeathReason, Retry
from tests.deliveries import NOW_MS, delivery, event, job, response

TIMED = Timing(connect_ms=1.0, tls_ms=2.0, first_byte_ms=7.0)


def test_it_says_of_which_event_webhook_and_job_it_is() -> None:
    of = replace(
        delivery(replace(event(), product="p")), trigger=Trigger.RECOVER, job_id="job_1", content_type="text/x"
    )
    attempt = logged(job(of=of), response(), DELIVERED, None)
    assert (attempt.event_topic, attempt.event_partition, attempt.event_offset) == ("events", 0, 0)
    assert (attempt.event_time_ms, attempt.product, attempt.brand) == (NOW_MS, "p", "hookline")
    assert (attempt.trigger, attempt.job_id, attempt.first_due_ms) == ("recover", "job_1", NOW_MS)
    assert (attempt.content_type, attempt.reason) == ("text/x", None)


def test_a_later_one_says_when_the_first_began() -> None:
    again = replace(delivery(attempts=1), first_attempt_ms=NOW_MS - 5_000)
    assert logged(job(of=again), response(), DELIVERED, None).first_attempt_ms == NOW_MS - 5_000
    assert logged(job(), response(), DELIVERED, None).first_attempt_ms is None


def test_it_says_why_a_delivery_is_dead_and_only_then() -> None:
    dead, waits = Dead(reason=DeathReason.EXHAUSTED), Retry(tier=1)
    assert logged(job(), response(500), dead, None).reason == "exhausted"
    assert logged(job(), response(500), waits, "1s").reason is None


def test_it_says_where_the_time_went() -> None:
    attempt = logged(job(), replace(response(), timing=TIMED), DELIVERED, None)
    assert (attempt.dns_ms, attempt.connect_ms, attempt.tls_ms, attempt.first_byte_ms) == (None, 1.0, 2.0, 7.0)


def test_one_without_its_contents_keeps_where_it_belongs_and_tells_no_times() -> None:
    broken = Failure(kind=FailureKind.BUG, detail="x", elapsed_ms=5.0)
    attempt = logged(job(), replace(response(), timing=TIMED), DELIVERED, None)
    for bare in (stripped(attempt, broken), unlogged(job(), broken, DELIVERED, None)):
        assert (bare.event_topic, bare.brand, bare.trigger) == ("events", "hookline", "event")
        assert (bare.connect_ms, bare.tls_ms, bare.first_byte_ms) == (None, None, None)
        assert (bare.request_headers, bare.response_headers, bare.request_body) == ((), (), b"")
