"""From a delivery that is offered to the request of its attempt.

    offer ─► lane ─► start ─► render, sign ─► (sent)

The laws: first try, retry and replay pass through the same `offer` and `start`; and what a webhook does to the code
that writes its request ends this attempt and nothing else (`boundary.py`).
"""

from typing import Final

from msgspec.structs import replace

from consumer.delivery.answer import Failure, FailureKind
from consumer.delivery.answering import Answering
from consumer.delivery.boundary import Boundaries, Boundary, Bug
from consumer.delivery.giving_up import GivingUp
from consumer.delivery.lane import Job
from consumer.delivery.outcome import DeathReason
from consumer.delivery.schedule import Schedule
from consumer.delivery.target import Target, Unsignable
from consumer.delivery.tracing import Tracing
from consumer.delivery.traffic import Traffic
from consumer.delivery.views import View
from consumer.delivery.waiting import Waiting, is_in_backlog
from consumer.events.event import Event
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.signing.written import Outgoing
from consumer.webhooks.subscription import Status

_SUSPENDED: Final = Status.SUSPENDED  # Python 3.11 takes longer to find a member than to compare it


class Attempting:
    """What a delivery goes through once it is offered, until its request is under way."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        traffic: Traffic,
        boundaries: Boundaries,
        answering: Answering,
        giving_up: GivingUp,
        waiting: Waiting,
        tracing: Tracing | None = None,
    ) -> None:
        self._schedule = schedule
        self._traffic = traffic
        self._boundaries = boundaries
        self._answering = answering
        self._giving_up = giving_up
        self._waiting = waiting
        self._tracing = tracing
        self._flying = answering.flying

    @property
    def room(self) -> int:
        """How many more deliveries the lanes may hold."""
        return self._traffic.room

    def offer(self, now_ms: int, job: Job, view: View) -> None:
        """Every delivery passes here, whether it is its first try, a retry or a replay."""
        orphan = self._flying.adopt(job) if self._flying.orphans else None
        if orphan is not None:  # sent before its record was lost and read again: not sent twice
            self._answering.adopted(now_ms, orphan)
            return
        delivery, subscription = job.delivery, job.target.subscription
        if delivery.spills and is_in_backlog(delivery):
            self._traffic.taken_up(now_ms, job)
        if subscription.status is _SUSPENDED or view.is_suspended(subscription.id):
            self._giving_up.bury(now_ms, job, DeathReason.SUSPENDED)
        elif delivery.turned_away:
            self._giving_up.bury(now_ms, job, DeathReason.BLOCKED)
        elif delivery.stopped_ms is not None:
            self._giving_up.stopped(now_ms, job)
        elif delivery.first_attempt_ms is not None and now_ms >= self._schedule.tried_until_ms(delivery, now_ms):
            self._giving_up.bury(now_ms, job, DeathReason.EXPIRED)
        elif delivery.order is not None and self._schedule.is_behind_for_good(delivery, now_ms):
            self._giving_up.bury(now_ms, job, DeathReason.WAITED)
        else:
            wait = self._traffic.offer(job, now_ms)
            if wait is not None:
                self._waiting.wait(now_ms, job, wait)

    def start(self, now_ms: int, most: int, *, wall_ms: int) -> None:
        """Send what the lanes may send, at most so many requests, signed at `wall_ms`."""
        step = self._answering.step
        for job in self._traffic.start(now_ms, most):
            if job.entry.window.closed:
                self._traffic.abandoned(job, now_ms)
                continue
            self._boundaries.take(job.entry)
            if self._tracing is not None:
                job.traced = self._tracing.traced(job.delivery, job.started_ms)
            request = self._request(wall_ms, job)
            if isinstance(request, Failure):
                self._answering.failed(now_ms, job, request)
                continue
            job.request = request
            token = self._flying.begin(job)
            if isinstance(request, Request):
                step.send.append((token, request))
            else:
                step.written.append((token, request))

    def _request(self, wall_ms: int, job: Job) -> Outgoing | Failure:
        """Its request, rendered once for the delivery's life and signed for this attempt, or why there is none.

        What cannot be signed here fails this webhook's attempts and nobody else's.
        """
        if isinstance(job.named, Failure):
            return job.named
        within, entry, delivery = self._boundaries.within, job.entry, job.delivery
        signer = job.target.opened
        if signer is None:
            opened = within(Boundary.SIGN, entry, _signer, job.target, delivery_id=delivery.id)
            if isinstance(opened, Bug | Failure):
                return opened.failure if isinstance(opened, Bug) else opened
            signer = opened
        event, rendered = delivery.event, None if delivery.body is None else (delivery.body, delivery.content_type)
        if job.traced is not None:
            event = replace(event, traceparent=job.traced)
        if signer.writes:
            try:
                written = signer.written(event, rendered, wall_ms, job.named)
            except Exception as error:  # noqa: BLE001 # contained
                return self._boundaries.met(Boundary.SIGN, entry, error, delivery.id).failure
            if written is not None:
                return written
        if rendered is None:
            body = within(Boundary.RENDER, entry, signer.body, event, delivery_id=delivery.id)
            if isinstance(body, Bug):
                return body.failure
            rendered = body
        unsigned = signer, event, rendered, wall_ms, job.named
        request = within(Boundary.SIGN, entry, _signed, *unsigned, delivery_id=delivery.id)
        return request.failure if isinstance(request, Bug) else request


def _signer(target: Target) -> Signer | Failure:
    try:
        return target.signer
    except Unsignable as error:
        return Failure(kind=FailureKind.UNSIGNABLE, detail=str(error), elapsed_ms=0)


def _signed(
    signer: Signer, event: Event, rendered: tuple[bytes, str], now_ms: int, addresses: tuple[str, ...]
) -> Request:
    body, content_type = rendered
    return signer.request(event=event, body=body, content_type=content_type, now_ms=now_ms, addresses=addresses)
