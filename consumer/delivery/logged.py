"""The record of the delivery log for one attempt. Pure."""

from dataclasses import dataclass, replace
from typing import Protocol

from consumer.delivery.answer import Answer, Failure, Response
from consumer.delivery.delivery import Attempt, Delivery
from consumer.delivery.outcome import Dead, Delivered, Outcome, Retry
from consumer.delivery.target import Target
from consumer.signing.request import Request

_WORDS: dict[type[Outcome], str] = {Delivered: "delivered", Retry: "retry", Dead: "dead"}


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
    def request(self) -> Request | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An attempt that is no job of the delivery path: a test event's, or one without its contents."""

    delivery: Delivery
    target: Target
    started_ms: int
    body: bytes = b""
    request: Request | None = None


def unlogged(job: Attempted, failure: Failure, outcome: Outcome, next_tier: str | None) -> Attempt:
    """The record of an attempt whose own could not be made: what follows is told, what was sent and came is not."""
    bare = Tried(delivery=job.delivery, target=job.target, started_ms=job.started_ms)
    return logged(bare, failure, outcome, next_tier)


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
    )


def logged(job: Attempted, answer: Answer, outcome: Outcome, next_tier: str | None) -> Attempt:
    """What was sent, what came back and what follows. The customer's own header values are redacted."""
    delivery = job.delivery
    event = delivery.event
    if isinstance(answer, Response):
        status, headers, body, truncated = answer.status, answer.headers, answer.body, answer.body_truncated
        failure, detail = None, ""
    else:
        status, headers, body, truncated = None, (), b"", False
        failure, detail = str(answer.kind), answer.detail
    return Attempt(
        delivery_id=delivery.id,
        event_id=event.id,
        event_type=event.type,
        tenant=event.tenant,
        subscription_id=delivery.subscription_id,
        number=delivery.attempts + 1,
        at_ms=job.started_ms,
        url=job.target.subscription.url,
        request_headers=job.target.signer.shown(job.request) if job.request else (),
        request_body=job.body,
        status=status,
        response_headers=headers,
        response_body=body,
        response_truncated=truncated,
        failure=failure,
        failure_detail=detail,
        elapsed_ms=answer.elapsed_ms,
        outcome=_WORDS[type(outcome)],
        next_tier=next_tier,
        replay_id=delivery.replay_id,
    )
