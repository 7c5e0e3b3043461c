"""Deliveries that may be sent again, made of their dead letters or of their latest attempts. Pure.

The laws: what is made is of this webhook and no other; an event that was read again is the one that was delivered, or
there is none: the delivery's id is made of all that names it; and the same bytes are sent, where some were.
"""

from typing import Final

from consumer.delivery.delivery import Attempt, DeadLetter, delivery_id, replay_id
from consumer.events.event import Event, Record
from consumer.jobs.candidate import Candidate
from consumer.jobs.job import Asked, Skip, Spot
from consumer.jobs.lines import line_of
from consumer.webhooks.subscription import Subscription

_REPLAYS_MOST: Final = 1_000
_DELIVERED: Final = "delivered"


def is_ours(asked: Asked, dead_letter: DeadLetter) -> bool:
    """Whether it is of the job's webhook."""
    delivery = dead_letter.delivery
    return delivery.subscription_id == asked.webhook and delivery.event.tenant == asked.owner.tenant


def of_dead_letter(dead_letter: DeadLetter) -> Candidate:
    """What its dead letter makes of it: all that is needed stands there, unless it was too large."""
    delivery = dead_letter.delivery
    return Candidate(
        event=delivery.event,
        at_ms=dead_letter.failed_at_ms,
        delivery=delivery.id,
        replays=delivery.replays,
        body=delivery.body,
        content_type=delivery.content_type,
        order=delivery.order,
        skip=Skip.PAYLOAD_LEFT_OUT if dead_letter.left_out_bytes else None,
    )


def refusal(asked: Asked, attempt: Attempt) -> Skip | None:
    """Why it is not sent, as far as the attempt alone tells."""
    if attempt.outcome == _DELIVERED and not asked.again:
        return Skip.DELIVERED
    return None if attempt.event_topic else Skip.NOT_TOLD


def event_spot(attempt: Attempt) -> Spot:
    """Where its event lies."""
    return Spot(attempt.event_topic, attempt.event_partition, attempt.event_offset)


def of_attempt(
    attempt: Attempt, record: Record | None, event: Event | None, subscription: Subscription, *, skip: Skip | None
) -> Candidate:
    """What its latest attempt and its event, read again, make of it. `record` is the event's."""
    if skip is None and (record is None or event is None or not _is_of(attempt, event)):
        skip = Skip.NOT_KEPT
    if skip is not None or record is None or event is None:
        return Candidate(event=_told(attempt), at_ms=attempt.at_ms, delivery=attempt.delivery_id, skip=skip)
    return Candidate(
        event=event,
        at_ms=attempt.at_ms,
        delivery=attempt.delivery_id,
        replays=_generation(event, attempt),
        body=attempt.sent,  # None: nothing was rendered, or it is not in the record: it is rendered of the event
        content_type=attempt.content_type or "application/json",
        order=line_of(subscription, record, event),
    )


def nothing_at(spot: Spot) -> Candidate:
    """What stands for a delivery whose record is gone."""
    event = Event(
        id="",
        type="",
        tenant="",
        product=None,
        time_ms=0,
        data=b"",
        topic=spot.topic,
        partition=spot.partition,
        offset=spot.offset,
        timestamp_ms=0,
    )
    return Candidate(event=event, at_ms=0, skip=Skip.NOT_KEPT)


def _is_of(attempt: Attempt, event: Event) -> bool:
    return delivery_id(event, attempt.subscription_id, attempt.replay_id) == attempt.delivery_id


def _generation(event: Event, attempt: Attempt) -> int:
    """Which replay of its chain it was: its record has the hash of it only."""
    if attempt.replay_id is None:
        return 0
    chain = delivery_id(event, attempt.subscription_id)
    numbers = range(1, _REPLAYS_MOST + 1)
    return next((number for number in numbers if replay_id(chain, number) == attempt.replay_id), _REPLAYS_MOST)


def _told(attempt: Attempt) -> Event:
    """The event as far as its attempt tells of it."""
    return Event(
        id=attempt.event_id,
        type=attempt.event_type,
        tenant=attempt.tenant,
        product=attempt.product,
        time_ms=attempt.event_time_ms,
        data=b"",
        topic=attempt.event_topic,
        partition=attempt.event_partition,
        offset=attempt.event_offset,
        timestamp_ms=0,
    )
