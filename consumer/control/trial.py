"""A test event, sent to one webhook now, and what came of it.

The law: a test is an attempt like any other (the webhook's own payload, signature, headers and timeout, the address
guard, a record in the log), but its only one: nothing retries it. It has a connection of its own, and more tests at
once than the process has room for are refused, so that no customer can use them up for the others.
"""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from consumer.brands.brand import TEST
from consumer.brands.loader import brand
from consumer.control.resolve import resolve
from consumer.control.sample import sample_event
from consumer.control.topic_store import Writer
from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.delivery.delivery import Delivery, Trigger, delivery_id
from consumer.delivery.logged import Tried, logged
from consumer.delivery.names import PATIENCE_MS, Addresses, Named, Resolution, address_in, judged
from consumer.delivery.outcome import DELIVERED, Dead, DeathReason, is_success
from consumer.delivery.target import Target, Unsignable
from consumer.delivery.words import WORDS, told_ms
from consumer.http.engine import open_transport
from consumer.http.guard import AddressGuard
from consumer.http.transport import Transport
from consumer.json import Json
from consumer.kafka.client import KafkaBroken
from consumer.kafka.records import encode_attempt
from consumer.kafka.topic_specs import Topics
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.log.attempt_id import attempt_id
from consumer.log.explanation import of_attempt
from consumer.log.resource import told as explained
from consumer.settings import Settings
from consumer.shares import Shares
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Subscription

AT_ONCE: Final = 16
OF_A_TENANT: Final = 2

_TURN_S: Final = 1.0
_LOGGED_S: Final = 5.0

Write: TypeAlias = Callable[[NewRecord], Place | None]
"""Writes a record, and returns when Kafka has acknowledged it: where it is, if that is known.

Raises KafkaBroken when it has not.
"""

ResolveFor: TypeAlias = Callable[[str, str], Resolution]
"""Looks a host up for a tenant. Raises Busy when the tenant, or all, wait for too many names."""

_PATIENTLY: Final = partial(resolve, limit_s=PATIENCE_MS / 1_000)


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

    def __init__(
        self,
        settings: Settings,
        keyring: Keyring,
        write: Write,
        *,
        open_engine: Callable[[], Transport] | None = None,
        resolve: ResolveFor = _PATIENTLY,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`write` gets the attempt record. `open_engine` opens a transport, which is closed after one request."""
        self._attempts = Topics.of(settings).attempts
        self._brands_dir = settings.brands_dir
        self._keyring = keyring
        self._write = write
        self._open_engine = partial(open_transport, settings) if open_engine is None else open_engine
        self._resolve = resolve
        self._refuses = AddressGuard(settings.networks).refuses
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        # Each ends within the longest timeout there is, 30 s.
        self._places = Shares("test events", places=AT_ONCE, share=OF_A_TENANT, retry_after_s=2)

    def try_out(self, subscription: Subscription, event_type: str = TEST, data: bytes | None = None) -> Trial:
        """Send the webhook a sample event of this type, whatever its status is, and wait for the answer.

        Blocks for the look-up of its name and the webhook's timeout at most, and until its record is acknowledged.

        Raises:
            FieldInvalid: of the field `type`: no event could have this type.
            BrandUnknown: the webhook's brand is not known here.
            Busy: too many are under way, of this tenant or of all.
            KafkaBroken: the attempt was made, and could not be logged.
        """
        now_ms = self._now_ms()
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
        target = Target(subscription, lambda each: Signer(each, brand(each.brand, self._brands_dir), self._keyring))
        tried, answer = self._attempt(delivery, target, now_ms)
        outcome = DELIVERED if is_success(answer) else Dead(reason=DeathReason.RETRIES_NONE)
        record = encode_attempt(logged(tried, answer, outcome, None))
        place = self._write(NewRecord(topic=self._attempts, key=subscription.id.encode(), value=record))
        return _trial(tried, answer, place)

    def _attempt(self, delivery: Delivery, target: Target, now_ms: int) -> tuple[Tried, Answer]:
        with self._places.place(delivery.event.tenant):
            try:
                signer = target.signer
            except Unsignable as error:
                unsigned = Failure(kind=FailureKind.UNSIGNABLE, detail=str(error), elapsed_ms=0)
                return Tried(delivery=delivery, target=target, started_ms=now_ms), unsigned
            body, content_type = signer.body(delivery.event)
            asked_s = self._monotonic_s()
            named, looked_up = self._named(delivery.event.tenant, target.subscription.url)
            dns_ms = (self._monotonic_s() - asked_s) * 1_000 if looked_up else None
            if isinstance(named, Failure):
                bare = Tried(delivery=delivery, target=target, started_ms=now_ms, body=body, content_type=content_type)
                return bare, named
            request = signer.request(
                event=delivery.event, body=body, content_type=content_type, now_ms=now_ms, addresses=named
            )
            tried = Tried(
                delivery=delivery,
                target=target,
                started_ms=now_ms,
                body=body,
                content_type=content_type,
                request=request,
            )
            with closing(self._open_engine()) as transport:
                answer = _answered(transport, request)
            return tried, replace(answer, timing=answer.timing._replace(dns_ms=dns_ms))

    def _named(self, tenant: str, url: str) -> tuple[Named, bool]:
        """Its addresses, and whether its name had to be looked up for them."""
        host = urlsplit(url).hostname or ""
        address = address_in(host)
        found = self._resolve(tenant, host) if address is None else Addresses((address,))
        return judged(found, self._refuses), address is None


def logging_by(writer: Writer) -> Write:
    """Attempt records by way of a long-lived process's writer."""

    def write(record: NewRecord) -> Place:
        try:
            return writer.write(record).result(_LOGGED_S)
        except NotYet:
            raise KafkaBroken(f"the test event's record was not acknowledged within {_LOGGED_S:g} s") from None

    return write


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


def _answered(transport: Transport, request: Request) -> Answer:
    """The answer to this one request; a transport always has one in the end."""
    transport.submit(0, request)
    while True:
        for _, answer in transport.poll(_TURN_S):
            if isinstance(answer, Failure) and answer.error is not None:
                raise answer.error  # a bug: nobody else's deliveries are under way here
            return answer


def _trial(tried: Tried, answer: Answer, place: Place | None) -> Trial:
    event = tried.delivery.event
    logged_as = (
        None
        if place is None
        else attempt_id(partition=place.partition, offset=place.offset, delivery_id=tried.delivery.id)
    )
    if isinstance(answer, Response):
        error = None if is_success(answer) else f"the endpoint answered {answer.status}, and only 2xx is a success"
        status, body, truncated = answer.status, answer.body, answer.body_truncated
    else:
        error = WORDS[answer.kind]
        status, body, truncated = None, b"", False
    return Trial(
        event_id=event.id,
        event_type=event.type,
        status=status,
        body=body,
        truncated=truncated,
        error=error,
        failure=None if isinstance(answer, Response) else answer.kind,
        attempt_id=logged_as,
        elapsed_ms=told_ms(answer.kind, answer.elapsed_ms) if isinstance(answer, Failure) else answer.elapsed_ms,
    )
