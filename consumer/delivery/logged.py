"""The record of the delivery log for one attempt. Pure."""

from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from consumer.delivery.answer import Answer, Failure, Kept
from consumer.delivery.delivery import Attempt, Bodies, Delivery
from consumer.delivery.outcome import Dead, Delivered, Outcome, Retry
from consumer.delivery.target import Target
from consumer.signing.profiles import HttpHeaders
from consumer.signing.request import Request
from consumer.signing.written import Outgoing

DELIVERED_WORD: Final = "delivered"
_NONE: Final[HttpHeaders] = ()
_WORDS: dict[type[Outcome], str] = {Delivered: DELIVERED_WORD, Retry: "retry", Dead: "dead"}


class Attempted(Protocol):
    """What a record tells of an attempt beside its answer: a job of the delivery path has it, and so has a test event.

    `request` is None where none could be made.
    """

    @property
    def delivery(self) -> Delivery: ...
    @property
    def target(self) -> Target: ...
    @property
    def started_ms(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def content_type(self) -> str: ...
    @property
    def request(self) -> Outgoing | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An attempt that is no job of the delivery path: a test event's, or one without its contents."""

    delivery: Delivery
    target: Target
    started_ms: int
    body: bytes = b""
    content_type: str = ""
    request: Outgoing | None = None


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """The record of an attempt whose request and answer are in the native step, which writes it."""

    job: Attempted
    answer: Kept
    outcome: Outcome
    next_tier: str | None

    def read(self) -> Attempt:
        """The same, made in Python."""
        return logged(self.job, self.answer, self.outcome, self.next_tier)


def word_of(outcome: Outcome) -> str:
    """As a record has it."""
    return _WORDS[type(outcome)]


def unlogged(job: Attempted, failure: Failure, outcome: Outcome, next_tier: str | None) -> Attempt:
    """The record of an attempt whose own could not be made: what follows is told, what was sent and came is not."""
    bare = Tried(delivery=job.delivery, target=job.target, started_ms=job.started_ms)
    return replace(logged(bare, failure, outcome, next_tier), bodies=Bodies.NONE)


def stripped(attempt: Attempt, failure: Failure) -> Attempt:
    """The same of one that was made, and could not be encoded."""
    return replace(
        attempt,
        request_headers=(),
        request_body=b"",
        status=None,
        response_headers=(),
        response_body=b"",
        response_truncated=True,
        failure=str(failure.kind),
        failure_detail=failure.detail,
        elapsed_ms=failure.elapsed_ms,
        dns_ms=None,
        connect_ms=None,
        tls_ms=None,
        first_byte_ms=None,
        bodies=Bodies.NONE,
    )


def logged(job: Attempted, answer: Answer, outcome: Outcome, next_tier: str | None) -> Attempt:
    """What was sent, what came back and what follows. The customer's own header values are redacted."""
    delivery = job.delivery
    event = delivery.event
    if isinstance(answer, Failure):
        status, headers, body, truncated = None, _NONE, b"", False
        failure, detail = str(answer.kind), answer.detail
    else:
        status, headers, body, truncated = answer.status, answer.headers, answer.body, answer.body_truncated
        failure, detail = None, ""
    timing, subscription = answer.timing, job.target.subscription
    return Attempt(
        delivery_id=delivery.id,
        event_id=event.id,
        event_type=event.type,
        tenant=event.tenant,
        subscription_id=delivery.subscription_id,
        number=delivery.attempts + 1,
        at_ms=job.started_ms,
        first_attempt_ms=delivery.first_attempt_ms,
        url=subscription.url,
        status=status,
        failure=failure,
        elapsed_ms=answer.elapsed_ms,
        outcome=word_of(outcome),
        next_tier=next_tier,
        reason=outcome.reason if isinstance(outcome, Dead) else None,
        replay_id=delivery.replay_id,
        trigger=delivery.trigger,
        job_id=delivery.job_id,
        brand=subscription.brand,
        response_truncated=truncated,
        failure_detail=detail,
        product=event.product,
        content_type=job.content_type or delivery.content_type,
        event_time_ms=event.time_ms,
        event_topic=event.topic,
        event_partition=event.partition,
        event_offset=event.offset,
        first_due_ms=delivery.first_due_ms,
        dns_ms=timing.dns_ms,
        connect_ms=timing.connect_ms,
        tls_ms=timing.tls_ms,
        first_byte_ms=timing.first_byte_ms,
        bodies=Bodies.WHOLE,
        request_headers=_shown(job),
        response_headers=headers,
        request_body=job.body,
        response_body=body,
    )


def _shown(job: Attempted) -> HttpHeaders:
    """The headers that were sent, for the log."""
    if job.request is None:
        return _NONE
    return job.target.signer.shown(job.request) if isinstance(job.request, Request) else job.request.shown
