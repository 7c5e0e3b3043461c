"""One attempt at once, for somebody who waits for its answer.

The law: it is an attempt like any other (the webhook's own signature, headers and timeout, the address guard), with a
connection of its own, which nothing retries. More of them at once than the process has room for are refused, so that
no customer can use them up for the others.
"""

import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

from msgspec import structs

from consumer.brands.loader import brand
from consumer.control.resolve import resolve
from consumer.control.topic_store import Writer
from consumer.data_keys.sealing import Sealing
from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.delivery.delivery import Attempt, Delivery
from consumer.delivery.kept_bodies import keeping
from consumer.delivery.logged import Tried, logged
from consumer.delivery.names import PATIENCE_MS, Addresses, Named, Resolution, address_in, judged
from consumer.delivery.outcome import Outcome
from consumer.delivery.target import Target, Unsignable
from consumer.events.identity import webhook_id
from consumer.granted import Networks
from consumer.http.engine import open_transport
from consumer.http.guard import ProxysGuard, guard_of
from consumer.http.transport import Transport
from consumer.kafka.client import KafkaBroken
from consumer.kafka.records import encode_attempt
from consumer.kafka.topic_specs import Topics
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings
from consumer.shares import Busy, Shares
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.url import origin_of

AT_ONCE: Final = 16
OF_A_TENANT: Final = 2

_TURN_S: Final = 1.0
_LOGGED_S: Final = 5.0
_SHUT_S: Final = 5

Write: TypeAlias = Callable[[NewRecord], Place | None]
"""Writes a record, and returns when Kafka has acknowledged it: where it is, if that is known.

Raises KafkaBroken when it has not.
"""

ResolveFor: TypeAlias = Callable[[str, str], Resolution]
"""Looks a host up for a tenant. Raises Busy when the tenant, or all, wait for too many names."""

_PATIENTLY: Final = partial(resolve, limit_s=PATIENCE_MS / 1_000)


class OneAttempt:
    """Makes attempts, one at a time for each of several threads."""

    def __init__(
        self,
        settings: Settings,
        keyring: Keyring,
        write: Write,
        *,
        sealing: Sealing | None,
        open_engine: Callable[[], Transport] | None = None,
        resolve: ResolveFor = _PATIENTLY,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`write` gets the attempt record, sealed where `sealing` is there.

        `open_engine` opens a transport, which is closed after one request.
        """
        self._attempts = Topics.of(settings).attempts
        self._brands_dir = settings.brands_dir
        self._keyring = keyring
        self._write = write
        self._sealing = sealing
        self._keep = keeping(settings)
        self._open_engine = partial(open_transport, settings) if open_engine is None else open_engine
        self._resolve = resolve
        self._guard = guard_of(settings)
        self._grants = settings.grants
        self.now_ms = now_ms
        self._monotonic_s = monotonic_s
        # Each ends within the longest timeout there is, 30 s.
        self._places = Shares("test events", places=AT_ONCE, share=OF_A_TENANT, retry_after_s=2)

    def made(
        self, delivery: Delivery, subscription: Subscription, now_ms: int, *, known_as: str | None = None
    ) -> tuple[Tried, Answer]:
        """The attempt, and the answer to it. A body that the delivery has not is made of its event.

        `known_as` is its event's `webhook-id`, where that is not made of the event. Blocks for the look-up of the
        webhook's name and its timeout at most.

        Raises:
            BrandUnknown: the webhook's brand is not known here.
            Busy: too many are under way, of this tenant or of all, or nothing can leave.
        """
        brand(subscription.brand, self._brands_dir)  # before anything is taken
        granted = self._granted(subscription)
        target = Target(
            subscription,
            lambda each: Signer(each, brand(each.brand, self._brands_dir), self._keyring, granted=granted),
        )
        with self._places.place(delivery.event.tenant):
            return self._made(delivery, target, now_ms, known_as)

    def recorded(self, tried: Tried, answer: Answer, outcome: Outcome) -> Attempt:
        """Its record, with what the log keeps of its bodies."""
        attempt = logged(tried, answer, outcome, None)
        return attempt if self._keep is None else self._keep(attempt, tried)

    def logged(self, attempt: Attempt) -> Place | None:
        """Write its record. Raises KafkaBroken."""
        key, value = attempt.subscription_id.encode(), encode_attempt(attempt)
        if self._sealing is not None:
            value = self._sealing.attempt(attempt.tenant, value)
        return self._write(NewRecord(topic=self._attempts, key=key, value=value))

    def _made(self, delivery: Delivery, target: Target, now_ms: int, known_as: str | None) -> tuple[Tried, Answer]:
        kept = delivery.body
        try:
            signer = target.signer
        except Unsignable as error:
            unsigned = Failure(kind=FailureKind.UNSIGNABLE, detail=str(error), elapsed_ms=0)
            return Tried(delivery=delivery, target=target, started_ms=now_ms, body=kept or b""), unsigned
        body, content_type = signer.body(delivery.event) if kept is None else (kept, delivery.content_type)
        tried = Tried(delivery=delivery, target=target, started_ms=now_ms, body=body, content_type=content_type)
        asked_s = self._monotonic_s()
        named, looked_up = self._named(target.subscription)
        dns_ms = (self._monotonic_s() - asked_s) * 1_000 if looked_up else None
        if isinstance(named, Failure):
            return tried, named
        event = delivery.event
        name = webhook_id(event) if known_as is None else known_as
        request = signer.request_as(name, event, body, content_type, now_ms=now_ms, addresses=named)
        with closing(self._open_engine()) as transport:
            answer = _answered(transport, request)
        timing = structs.replace(answer.timing, dns_ms=dns_ms)
        return replace(tried, request=request), structs.replace(answer, timing=timing)

    def _named(self, subscription: Subscription) -> tuple[Named, bool]:
        """Its addresses, and whether its name had to be looked up for them."""
        host = origin_of(subscription.url)[1]
        if isinstance(self._guard, ProxysGuard):
            return (host,), False
        address = address_in(host)
        found = self._resolve(subscription.tenant, host) if address is None else Addresses((address,))
        return judged(found, self._guard.refusing(self._granted(subscription))), address is None

    def _granted(self, subscription: Subscription) -> Networks:
        return self._grants.at(subscription.tenant, origin_of(subscription.url)[2])


def logging_by(writer: Writer) -> Write:
    """Attempt records by way of a long-lived process's writer."""

    def write(record: NewRecord) -> Place:
        try:
            return writer.write(record).result(_LOGGED_S)
        except NotYet:
            raise KafkaBroken(f"the attempt's record was not acknowledged within {_LOGGED_S:g} s") from None

    return write


def _answered(transport: Transport, request: Request) -> Answer:
    """The answer to this one request; a transport always has one in the end, unless nothing can leave.

    Raises Busy: the egress proxy is broken, so there was no attempt.
    """
    transport.submit(0, request)
    while True:
        for _, answer in transport.poll(_TURN_S):
            if isinstance(answer, Failure) and answer.error is not None:
                raise answer.error  # a bug: nobody else's deliveries are under way here
            return answer
        if transport.unsent():
            raise Busy("nothing can be sent now: the way out is broken", own=False, retry_after_s=_SHUT_S)
