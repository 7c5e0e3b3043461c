"""Which deliveries a filter asks for (`job.Matching`). Pure.

The laws: every field that is given must hold, and the values of one are alternatives; a dead letter and its delivery's
last attempt are told apart by what they tell alone, so that the same filter finds the same deliveries by both.
"""

from typing import Final

from consumer.delivery.delivery import DeadLetter
from consumer.jobs.job import Matching
from consumer.jobs.types import is_one_of
from consumer.kafka.attempt_decoding import Head

FAILED: Final = "failed"
STATUSES: Final = {"delivered": "delivered", "retry": "retrying"}
"""What a delivery is, by the outcome of its latest attempt; of one that is dead its dead letter tells."""

_NONE: Final = "none"
_CLASS: Final = "xx"


def wants_dead_letter(matching: Matching, dead_letter: DeadLetter) -> bool:
    """Whether it asks for a delivery that ended so."""
    delivery = dead_letter.delivery
    failure = delivery.last_reason.partition(":")[0] if delivery.last_status is None else None
    return (
        FAILED in matching.statuses
        and _is_in_time(matching, dead_letter.failed_at_ms)
        and _has_code(matching, delivery.last_status)
        and _has_reason(matching, failure, dead_letter.reason)
        and is_one_of(delivery.event.type, matching.types)
    )


def wants_attempt(matching: Matching, head: Head) -> bool:
    """Whether it asks for a delivery of which this is the latest attempt."""
    return (
        STATUSES.get(head.outcome) in matching.statuses
        and _is_in_time(matching, head.at_ms)
        and _has_code(matching, head.status)
        and _has_reason(matching, head.failure, head.reason)
        and is_one_of(head.event_type, matching.types)
    )


def _is_in_time(matching: Matching, at_ms: int) -> bool:
    since_ms, until_ms = matching.since_ms, matching.until_ms
    return (since_ms is None or at_ms >= since_ms) and (until_ms is None or at_ms < until_ms)


def _has_code(matching: Matching, status: int | None) -> bool:
    if not matching.codes:
        return True
    if status is None:
        return _NONE in matching.codes
    return str(status) in matching.codes or f"{status // 100}{_CLASS}" in matching.codes


def _has_reason(matching: Matching, failure: str | None, reason: str | None) -> bool:
    return not matching.reasons or failure in matching.reasons or reason in matching.reasons
