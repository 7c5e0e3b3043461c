"""A test event, sent to one webhook now, and what came of it.

The law: a test is an attempt like any other, also in the log, but its only one: nothing retries it, and nothing is
held against its webhook (`one_attempt.py`, `log/health.py`).
"""

import secrets
from dataclasses import dataclass

from consumer.brands.brand import TEST
from consumer.brands.loader import brand
from consumer.control.one_attempt import OneAttempt
from consumer.control.sample import sample_event
from consumer.delivery.answer import Answer, Failure
from consumer.delivery.delivery import Delivery, Trigger, delivery_id
from consumer.delivery.logged import Tried
from consumer.delivery.outcome import DELIVERED, Dead, DeathReason, is_success
from consumer.delivery.words import WORDS, told_ms
from consumer.json import Json
from consumer.kafka.topic_writer import Place
from consumer.log.attempt_id import attempt_id
from consumer.log.explanation import of_attempt
from consumer.log.resource import told as explained
from consumer.settings import Settings
from consumer.webhooks.subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of a test event.

    `status`, `body` (at most 16 KiB; `truncated` says whether there was more) are the endpoint's; without an HTTP
    answer `status` is None and `error` says why in words for its customer, which tell nothing of the network;
    `failure` is its kind. `attempt_id` is its id in the log, where that is known.
    """

    event_id: str
    event_type: str
    status: int | None
    body: bytes
    truncated: bool
    error: str | None
    elapsed_ms: float
    failure: str | None = None
    attempt_id: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether a delivery with this answer would be done."""
        return self.status is not None and self.error is None

    @property
    def text(self) -> str:
        """The body as UTF-8; what is none is replaced."""
        return self.body.decode("utf-8", "replace")


class Trials:
    """Sends test events. May be called from several threads."""

    def __init__(self, settings: Settings, one_attempt: OneAttempt) -> None:
        """Nothing is sent yet."""
        self._brands_dir = settings.brands_dir
        self._one_attempt = one_attempt

    def try_out(self, subscription: Subscription, event_type: str = TEST, data: bytes | None = None) -> Trial:
        """Send the webhook a sample event of this type, whatever its status is, and wait for the answer.

        Blocks for the look-up of its name and the webhook's timeout at most, and until its record is acknowledged.

        Raises:
            FieldInvalid: of the field `type`: no event could have this type.
            BrandUnknown: the webhook's brand is not known here.
            Busy: too many are under way, of this tenant or of all.
            KafkaBroken: the attempt was made, and could not be logged.
        """
        now_ms = self._one_attempt.now_ms()
        event = sample_event(
            subscription,
            event_type,
            brand(subscription.brand, self._brands_dir),
            now_ms=now_ms,
            entropy=secrets.token_bytes,
            data=data,
        )
        delivery = Delivery(
            id=delivery_id(event, subscription.id),
            event=event,
            subscription_id=subscription.id,
            first_due_ms=now_ms,
            trigger=Trigger.TEST,
        )
        tried, answer = self._one_attempt.made(delivery, subscription, now_ms)
        outcome = DELIVERED if is_success(answer) else Dead(reason=DeathReason.RETRIES_NONE)
        attempt = self._one_attempt.recorded(tried, answer, outcome)
        return _trial(tried, answer, self._one_attempt.logged(attempt))


def shown(trial: Trial) -> dict[str, Json]:
    """What came of it as JSON, for the API and the command line."""
    return {
        "status": trial.status,
        "body": trial.text,
        "elapsedMs": round(trial.elapsed_ms, 1),
        "error": trial.error,
        "attemptId": trial.attempt_id,
        "explanation": explained(of_attempt(trial.status, trial.failure)),
    }


def _trial(tried: Tried, answer: Answer, place: Place | None) -> Trial:
    event = tried.delivery.event
    logged_as = (
        None
        if place is None
        else attempt_id(partition=place.partition, offset=place.offset, delivery_id=tried.delivery.id)
    )
    if isinstance(answer, Failure):
        error: str | None = WORDS[answer.kind]
        status, body, truncated = None, b"", False
    else:
        error = None if is_success(answer) else f"the endpoint answered {answer.status}, and only 2xx is a success"
        status, body, truncated = answer.status, answer.body, answer.body_truncated
    return Trial(
        event_id=event.id,
        event_type=event.type,
        status=status,
        body=body,
        truncated=truncated,
        error=error,
        failure=answer.kind if isinstance(answer, Failure) else None,
        attempt_id=logged_as,
        elapsed_ms=told_ms(answer.kind, answer.elapsed_ms) if isinstance(answer, Failure) else answer.elapsed_ms,
    )
