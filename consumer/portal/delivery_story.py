"""What is known of one delivery: by the log, or by its dead letter alone where the log lists it no longer."""

from dataclasses import dataclass
from typing import Final

from consumer.delivery.delivery import DeadLetter
from consumer.kafka.client import KafkaBroken
from consumer.kafka.picking import NotKept
from consumer.log.archive import AttemptUnknown
from consumer.log.query import Query, View
from consumer.log.resource import attempt_detail, explanation_of_dead
from consumer.log.resource import told as told_explanation
from consumer.portal import logs
from consumer.portal.log_rows import LogRow, log_row, ms_of
from consumer.portal.timeline import Timeline, timeline
from consumer.portal.told import Attempt, Delivery, Explanation, attempt_told, explanation_of
from consumer.portal.visit import Visit
from consumer.shares import Busy

_OTHERS_MOST: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is known of a delivery, wherever it was found. `attempts` are how many there were."""

    id: str
    type: str
    event_id: str
    webhook: str
    status: str
    attempts: int
    first_ms: int | None
    timeline: Timeline
    why: Explanation | None
    trigger: str = ""
    next_ms: int | None = None
    overdue: bool = False
    others: tuple[LogRow, ...] = ()
    job: str | None = None


def tried(visit: Visit, told: Delivery) -> Story:
    """Of one that the log tells of."""
    latest, due_ms = _latest(visit, told)
    next_ms = ms_of(told.next_attempt_at)
    return Story(
        id=told.id,
        type=told.type,
        event_id=told.event_id,
        webhook=told.webhook,
        status=told.status,
        attempts=told.attempts,
        first_ms=ms_of(told.first_attempt_at),
        timeline=timeline(
            told.attempts_kept,
            latest,
            due_ms,
            next_ms=next_ms,
            late=bool(told.overdue),
            address=visit.url,
            now_ms=visit.now_ms,
        ),
        why=told.explanation,
        trigger=told.trigger,
        next_ms=next_ms,
        overdue=bool(told.overdue),
        others=_others(visit, told),
        job=told.job,
    )


def given_up(visit: Visit, dead: DeadLetter) -> Story:
    """Of one that was given up without an attempt that the log still lists."""
    delivery = dead.delivery
    return Story(
        id=delivery.id,
        type=delivery.event.type,
        event_id=delivery.event.id,
        webhook=delivery.subscription_id,
        status="failed",
        attempts=delivery.attempts,
        first_ms=delivery.first_attempt_ms,
        timeline=timeline((), None, None, next_ms=None, late=False, address=visit.url, now_ms=visit.now_ms),
        why=explanation_of(told_explanation(explanation_of_dead(dead))),
    )


def _latest(visit: Visit, told: Delivery) -> tuple[Attempt | None, int | None]:
    """Its latest attempt, whole, and when the delivery became due; of what is kept no longer, or not at hand, None."""
    try:
        kept = logs.kept(visit, told.attempts_kept[-1].id)
    except (AttemptUnknown, NotKept, Busy, KafkaBroken):
        return None, None
    return attempt_told(attempt_detail(kept, logs.sight(visit))), kept.attempt.first_due_ms


def _others(visit: Visit, told: Delivery) -> tuple[LogRow, ...]:
    """What became of the same event elsewhere: for other webhooks, or sent again."""
    query = Query(events=frozenset({told.event_id}))
    found = logs.rows(visit, View.DELIVERIES, query, limit=_OTHERS_MOST + 1).rows
    others = [row for row in found if row.entry.delivery != told.id][:_OTHERS_MOST]
    known, sight = logs.known(visit, (row.webhook for row in others)), logs.sight(visit)
    return tuple(log_row(row, View.DELIVERIES, sight, known, visit.url) for row in others)
