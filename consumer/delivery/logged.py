"""The record of the delivery log for one attempt. Pure."""

from consumer.delivery.answer import Answer, Response
from consumer.delivery.delivery import Attempt
from consumer.delivery.lane import Job
from consumer.delivery.outcome import Dead, Delivered, Outcome, Retry

_WORDS: dict[type[Outcome], str] = {Delivered: "delivered", Retry: "retry", Dead: "dead"}


def logged(job: Job, answer: Answer, outcome: Outcome, *, next_tier: str | None) -> Attempt:
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
