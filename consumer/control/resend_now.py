"""A delivery, sent again now, and what came of it.

The laws:
- it is one attempt more of its delivery: the same event and `webhook-id`, the same body, a new signature, whatever the
  webhook's status is, so that a fix can be tried before the webhook is resumed;
- accepted, its delivery is delivered. Not accepted, nothing else changes: what waits of the delivery goes on waiting,
  and nothing is held against the webhook (`log/health.py`);
- one that had been delivered stays so: what is sent then is a delivery of its own.

A try of it that waits in a delay topic is not made once this one was accepted: those who would make it are told.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from consumer.control.one_attempt import OneAttempt
from consumer.delivery.delivery import Attempt, DeadLetter, Delivery, Trigger, delivery_id
from consumer.delivery.outcome import DELIVERED, Dead, DeathReason, is_success
from consumer.events.event import Event
from consumer.kafka.client import KafkaBroken
from consumer.log.archive import Kept
from consumer.signing.profiles import WEBHOOK_ID
from consumer.webhooks.subscription import Subscription

_REPLAY_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What is to be sent. `known_as`: its event's `webhook-id`; None: that is made of the event."""

    delivery: Delivery
    known_as: str | None = None


class AlreadyDelivered(Exception):  # noqa: N818 # it names a state, as the glossary does
    """It was accepted, and to send it again all the same was not asked for."""


class ResendNow:
    """May be called from several threads."""

    def __init__(
        self,
        one_attempt: OneAttempt,
        tell: Callable[[str], None],
        *,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Nothing is sent yet. `tell` hears of a delivery of which no further try is wanted."""
        self._one_attempt = one_attempt
        self._tell = tell
        self._entropy = entropy

    def send(self, subscription: Subscription, again: Again, *, delivered: bool) -> Kept:
        """Send it, and wait for the answer. `delivered`: it was accepted before.

        Blocks as `OneAttempt.made` does, and until its record is acknowledged.

        Raises:
            BrandUnknown: the webhook's brand is not known here.
            Busy: too many are under way, of this tenant or of all.
            KafkaBroken: the attempt was made, and could not be logged.
        """
        now_ms = self._one_attempt.now_ms()
        delivery = self._anew(again.delivery, now_ms) if delivered else again.delivery
        tried, answer = self._one_attempt.made(delivery, subscription, now_ms, known_as=again.known_as)
        outcome = DELIVERED if is_success(answer) else Dead(reason=DeathReason.RETRIES_NONE)
        attempt = self._one_attempt.recorded(tried, answer, outcome)
        if outcome is DELIVERED and not delivered:
            self._tell(delivery.id)
        place = self._one_attempt.logged(attempt)
        if place is None:
            raise KafkaBroken("the attempt was logged, and nobody knows where")
        logged_ms = self._one_attempt.now_ms()
        return Kept(partition=place.partition, offset=place.offset, logged_ms=logged_ms, attempt=attempt)

    def _anew(self, delivery: Delivery, now_ms: int) -> Delivery:
        name = self._entropy(_REPLAY_ID_BYTES).hex()
        return replace(
            delivery,
            id=delivery_id(delivery.event, delivery.subscription_id, name),
            replay_id=name,
            attempts=0,
            first_attempt_ms=None,
            first_due_ms=now_ms,
        )


def of_attempt(attempt: Attempt, *, attempts: int) -> Again | None:
    """What an attempt tells of its delivery, of which there were so many; None: too little to send it again.

    A record has neither body nor `webhook-id` where nothing could be sent, and not the body that is too large for
    it, or that the log does not keep as it was.
    """
    name = _header(attempt, WEBHOOK_ID)
    body = attempt.sent
    if name is None or body is None:
        return None
    event = Event(
        id=attempt.event_id,
        type=attempt.event_type,
        tenant=attempt.tenant,
        product=attempt.product,
        time_ms=attempt.event_time_ms,
        data=b"",  # the body was made of it
        topic=attempt.event_topic,
        partition=attempt.event_partition,
        offset=attempt.event_offset,
        timestamp_ms=0,
        traceparent=_header(attempt, "traceparent"),
        tracestate=_header(attempt, "tracestate"),
    )
    delivery = Delivery(
        id=attempt.delivery_id,
        event=event,
        subscription_id=attempt.subscription_id,
        body=body,
        content_type=attempt.content_type,
        replay_id=attempt.replay_id,
        attempts=attempts,
        first_attempt_ms=attempt.first_attempt_ms or attempt.at_ms,
        first_due_ms=attempt.first_due_ms,
        trigger=Trigger.RESEND,
    )
    return Again(delivery=delivery, known_as=name)


def of_dead(dead: DeadLetter) -> Again | None:
    """The same of a dead letter, which has the event; None where it was too large for that."""
    if dead.left_out_bytes:
        return None
    was = dead.delivery
    delivery = Delivery(
        id=was.id,
        event=was.event,
        subscription_id=was.subscription_id,
        body=was.body,
        content_type=was.content_type,
        replay_id=was.replay_id,
        replays=was.replays,
        attempts=was.attempts,
        first_attempt_ms=was.first_attempt_ms,
        first_due_ms=was.first_due_ms,
        trigger=Trigger.RESEND,
    )
    return Again(delivery=delivery)


def _header(attempt: Attempt, wanted: str) -> str | None:
    return next((value for name, value in attempt.request_headers if name.lower() == wanted), None)
