"""From a delivery that is offered to what became of its attempt.

    offer ─► lane ─► start ─► render, sign ─► (sent) ─► answered ─► read ─► outcome ─► logged, written, ended

The laws: first try, retry and replay pass through the same `offer`, `start` and `answered`; every attempt that was
begun is logged, whatever becomes of it; and what a webhook or an answer does to the code that reads it ends this
attempt and nothing else (`boundary.py`).
"""

from collections.abc import Callable
from typing import assert_never

from msgspec.structs import replace

from consumer.delivery.answer import Answer, Failure, FailureKind, Kept
from consumer.delivery.boundary import Boundaries, Boundary, Bug
from consumer.delivery.delivery import Delivery
from consumer.delivery.endings import Endings, attempted
from consumer.delivery.flying import Flying
from consumer.delivery.kept_bodies import Keep
from consumer.delivery.lane import Job
from consumer.delivery.logged import Unread, logged, unlogged
from consumer.delivery.offsets import Window
from consumer.delivery.order_partition import WEBHOOK
from consumer.delivery.outcome import (
    DELIVERED,
    Asked,
    Dead,
    DeathReason,
    Delivered,
    Outcome,
    Retry,
    decide,
    described,
    read,
)
from consumer.delivery.replaced import Replaced, replaced_by
from consumer.delivery.schedule import Schedule, Wait
from consumer.delivery.step import Delay, Step
from consumer.delivery.stopping import SUSPENDS, Fate, fate, stops
from consumer.delivery.tally import DEAD, HANDED_OVER, RETRIED
from consumer.delivery.tally import DELIVERED as ACCEPTED
from consumer.delivery.target import Target, Unsignable
from consumer.delivery.tidings import of_a_stop, told
from consumer.delivery.tracing import Tracing, ended
from consumer.delivery.traffic import Traffic
from consumer.delivery.views import View
from consumer.delivery.words import of_death
from consumer.events.event import Event
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.signing.written import Outgoing
from consumer.webhooks.subscription import Retries, Status


class Attempting:
    """What a delivery goes through once it is offered. `view_of` gives the newest view of a tenant.

    `heard` is told of every answer before its lane is.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        traffic: Traffic,
        endings: Endings,
        boundaries: Boundaries,
        view_of: Callable[[str], View | None],
        heard: Callable[[Job, Asked, int], None],
        replaced: Replaced,
        keep: Keep | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._schedule = schedule
        self._traffic = traffic
        self._endings = endings
        self._boundaries = boundaries
        self._view_of = view_of
        self._heard = heard
        self._replaced = replaced
        self._keep = keep
        self._tracing = tracing
        self._step = Step()
        self.flying = Flying()

    @property
    def room(self) -> int:
        """How many more deliveries the lanes may hold."""
        return self._traffic.room

    @property
    def busy(self) -> bool:
        """Whether anything is under way, or to be logged."""
        return bool(self.flying or self._step.attempts or self._step.unread)

    def asked(self) -> Step:
        """What is to be sent, cancelled, logged and marked, of what came up since the last call."""
        step, self._step = self._step, Step()
        return step

    # ── its start ────────────────────────────────────────────────────────────────────────────────────────────────

    def offer(self, now_ms: int, job: Job, view: View) -> None:
        """Every delivery passes here, whether it is its first try, a retry or a replay."""
        orphan = self.flying.adopt(job)
        if orphan is not None:  # sent before its record was lost and read again: not sent twice
            if orphan.answer is not None:
                self._ended(now_ms, orphan, *self._read(now_ms, orphan, orphan.answer))
            return
        if _is_in_backlog(job.delivery) and job.delivery.spills:
            self._traffic.taken_up(now_ms, job)
        subscription = job.target.subscription
        if subscription.status is Status.SUSPENDED or view.is_suspended(subscription.id):
            self._bury(now_ms, job, DeathReason.SUSPENDED)
        elif job.delivery.turned_away:
            self._bury(now_ms, job, DeathReason.BLOCKED)
        elif job.delivery.stopped_ms is not None:
            self._stopped(now_ms, job)
        elif now_ms >= self._schedule.tried_until_ms(job.delivery, now_ms):
            self._bury(now_ms, job, DeathReason.EXPIRED)
        elif self._schedule.is_behind_for_good(job.delivery, now_ms):
            self._bury(now_ms, job, DeathReason.WAITED)
        else:
            wait = self._traffic.offer(job, now_ms)
            if wait is not None:
                self.wait(now_ms, job, wait)

    def wait(self, now_ms: int, job: Job, wait: Wait) -> None:
        """It does not start now. It waits in the delay topics, or is buried when its time is over."""
        if job.delivery.stopped_ms is not None:
            self._endings.stay(now_ms, job, job.delivery)
            return
        if self._schedule.is_for_a_turn(job.delivery, wait):
            until_ms, reason = self._schedule.waits_until_ms(job.delivery, now_ms), DeathReason.WAITED
        else:
            until_ms, reason = self._schedule.tried_until_ms(job.delivery, now_ms), DeathReason.EXPIRED
        if now_ms >= until_ms:
            self._bury(now_ms, job, reason)
            return
        if wait.unreachable:
            waits_until_ms = min(until_ms, now_ms + int(wait.ms))
            self._endings.await_endpoint(now_ms, job, wait.ms, until_ms=until_ms)
        else:
            waits_until_ms = self._traffic.slot_ms(job, wait, now_ms, until_ms)
            self._endings.await_turn(now_ms, job, waits_until_ms)
        if _is_in_backlog(job.delivery):
            self._traffic.waits(now_ms, job, waits_until_ms)

    def pass_on(self, now_ms: int, job: Job) -> None:
        """This process stops, and the job was not started: to whoever takes the work over, at once."""
        self._endings.pass_on(now_ms, job)
        if _is_in_backlog(job.delivery):
            self._traffic.waits(now_ms, job, now_ms)

    def _bury(self, now_ms: int, job: Job, reason: DeathReason) -> None:
        self._give_up(now_ms, job, job.delivery, reason, of_death(reason, ""))

    def _give_up(self, now_ms: int, job: Job, delivery: Delivery, reason: DeathReason, detail: str) -> None:
        """It is dead-lettered, or stops its key."""
        if not _stops_its_key(job, reason):
            self._endings.bury(now_ms, job, delivery, reason, detail)
            return
        self._endings.counts["keys_blocked"] += 1
        self._stay(now_ms, job, replace(delivery, stopped_ms=now_ms))
        subscription = job.target.subscription
        view = self._view_of(subscription.tenant)
        notice = of_a_stop(subscription, delivery, of_death(reason, detail), now_ms)
        for chunk in () if view is None else told(view, subscription, notice, now_ms):
            self._endings.write(job.entry, Delay(tier=0, delayed=chunk))

    def _stay(self, now_ms: int, job: Job, delivery: Delivery) -> None:
        """Its key has stopped with it; by the webhook's standing its customer hears of that."""
        self._endings.stay(now_ms, job, delivery)
        self._traffic.standings.stops(now_ms, job.target.subscription, (delivery.order or "")[:WEBHOOK])

    def _stopped(self, now_ms: int, job: Job) -> None:
        """The head of a key that has stopped is looked at again."""
        stays_for_ms, crowded = self._schedule.wait_for_ms, self._endings.is_crowded(job)
        subscription = job.target.subscription
        match fate(job.delivery, subscription, now_ms, stays_for_ms=stays_for_ms, crowded=crowded):
            case Fate.STAYS:
                self._stay(now_ms, job, job.delivery)
            case Fate.TRIED:
                if self._traffic.offer(job, now_ms) is not None:
                    self._endings.stay(now_ms, job, job.delivery)
            case Fate.DROPPED:
                self._bury(now_ms, job, DeathReason.BLOCKED)
            case Fate.SUSPENDS:
                self._suspend(now_ms, job, SUSPENDS)
                self._bury(now_ms, job, DeathReason.SUSPENDED)
            case never:
                assert_never(never)

    def start(self, now_ms: int, most: int, *, wall_ms: int) -> None:
        """Send what the lanes may send, at most so many requests, signed at `wall_ms`."""
        for job in self._traffic.start(now_ms, most):
            if job.entry.window.closed:
                self._traffic.abandoned(job, now_ms)
                continue
            self._boundaries.take(job.entry)
            if self._tracing is not None:
                job.traced = self._tracing.traced(job.delivery, job.started_ms)
            request = self._request(wall_ms, job)
            if isinstance(request, Failure):
                asked = read(request, now_ms)
                self._traffic.answered(job, asked, now_ms)
                self._ended(now_ms, job, request, asked)
            else:
                job.request = request
                token = self.flying.begin(job)
                if isinstance(request, Request):
                    self._step.send.append((token, request))
                else:
                    self._step.written.append((token, request))

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
            told = event, rendered, wall_ms, job.named
            written = within(Boundary.SIGN, entry, signer.written, *told, delivery_id=delivery.id)
            if written is not None:
                return written.failure if isinstance(written, Bug) else written
        if rendered is None:
            body = within(Boundary.RENDER, entry, signer.body, event, delivery_id=delivery.id)
            if isinstance(body, Bug):
                return body.failure
            rendered = body
        unsigned = signer, event, rendered, wall_ms, job.named
        request = within(Boundary.SIGN, entry, _signed, *unsigned, delivery_id=delivery.id)
        return request.failure if isinstance(request, Bug) else request

    # ── its end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def answered(self, now_ms: int, token: int, answer: Answer) -> None:
        """A request came to its end."""
        job = self.flying.end(token)
        if job is None:
            return  # given up meanwhile
        self._boundaries.take(job.entry)
        answer, asked = self._read(now_ms, job, answer)
        self._heard(job, asked, now_ms)
        self._traffic.answered(job, asked, now_ms)
        if job.handed_over is not None:
            self._late(job, answer, asked)
        elif job.entry.window.closed:
            job.answer = answer
        else:
            self._ended(now_ms, job, answer, asked)

    def unsent(self, now_ms: int, token: int) -> None:
        """A request came to nothing for a reason that is not its endpoint's: it was no attempt, and is to be made."""
        job = self.flying.end(token)
        if job is None:
            return  # given up meanwhile
        self._endings.counts["unsent"] += 1
        window = job.entry.window
        if job.handed_over is not None:
            self._traffic.abandoned(job, now_ms)
        elif window.closed:
            self._traffic.abandoned(job, now_ms)
            self.flying.forget_orphan(job)
        elif window.draining:
            self._traffic.abandoned(job, now_ms)
            self.pass_on(now_ms, job)
        else:
            self._traffic.put_back(job, now_ms)

    def hand_over(self, now_ms: int, job: Job, *, goes_on: bool) -> None:
        """Its record waits for its answer no longer: the attempt is logged as unanswered, and a retry is written.

        When it `goes_on` the request stays under way, and its answer is logged too, should it come.
        """
        detail = "handed over to a retry before its answer came"
        unanswered = Failure(kind=FailureKind.UNANSWERED, detail=detail, elapsed_ms=now_ms - job.started_ms)
        outcome = self._endings.hand_over(job, unanswered, now_ms, goes_on=goes_on)
        if goes_on:
            job.handed_over = outcome
        self._endings.tally.attempted(HANDED_OVER, unanswered)
        self._log(job, unanswered, outcome, goes_on=goes_on)

    def give_up(self, now_ms: int) -> None:
        """Cancel the unanswered requests of draining partitions.

        Each was an attempt, and is retried when its timeout would have ended.
        """
        for token, job in self.flying.give_up():
            self._step.cancel.append(token)
            self._traffic.abandoned(job, now_ms)
            self.hand_over(now_ms, job, goes_on=False)

    def relieve(self, now_ms: int, window: Window, unanswered_for_ms: int) -> None:
        """Hand over the old requests of this window. A head of the ordered topic stays: it has no other place."""
        if window.beside is not None:
            return
        for job in self.flying.unanswered(window, now_ms - unanswered_for_ms):
            self.hand_over(now_ms, job, goes_on=True)

    def _read(self, now_ms: int, job: Job, answer: Answer) -> tuple[Answer, Asked]:
        """The answer, and what it asks of us. One that our code cannot read becomes a failure of the attempt."""
        within, name = self._boundaries.within, job.delivery.id
        if isinstance(answer, Failure) and answer.error is not None:
            answer = self._boundaries.met(Boundary.ANSWER, job.entry, answer.error, name).failure
        asked = within(Boundary.ANSWER, job.entry, read, answer, now_ms, delivery_id=name)
        if isinstance(asked, Bug):
            answer = asked.failure
            asked = read(answer, now_ms)
        return answer, asked

    def _late(self, job: Job, answer: Answer, asked: Asked) -> None:
        """The answer to one that was handed over: what becomes of it is decided, unless it was accepted."""
        if asked.success:
            self._step.succeeded_late.append(job.delivery.id)
            self._replace(job.delivery)
            self._log(job, answer, DELIVERED)
        elif job.handed_over is not None:
            self._log(job, answer, job.handed_over)

    def _ended(self, now_ms: int, job: Job, answer: Answer, asked: Asked) -> None:
        if job.entry.window.closed:
            return
        retries = job.target.subscription.retries is not Retries.NONE
        outcome = decide(asked, job.delivery, self._schedule, retries=retries, started_ms=job.started_ms, now_ms=now_ms)
        self._endings.counts["attempts"] += 1
        given_up = isinstance(outcome, Dead) and _stops_its_key(job, outcome.reason)
        self._log(job, answer, Dead(reason=DeathReason.BLOCKED) if given_up else outcome)
        match outcome:
            case Delivered():
                self._endings.counts["deliveries_delivered"] += 1
                self._endings.tally.attempted(ACCEPTED, answer)
                self._endings.tally.accepted(now_ms, job.delivery)
                if job.delivery.replays:
                    self._replace(job.delivery)
                job.entry.close_one(job.delivery.id)
            case Retry():
                self._endings.tally.attempted(RETRIED, answer)
                self._endings.retry(now_ms, job, attempted(job, answer), outcome.tier)
            case Dead():
                self._endings.tally.attempted(DEAD, answer)
                if outcome.suspend:
                    self._suspend(now_ms, job, f"the endpoint answered {described(answer)}")
                self._give_up(now_ms, job, attempted(job, answer), outcome.reason, described(answer))
            case _:
                assert_never(outcome)

    def _replace(self, accepted: Delivery) -> None:
        """What it was sent instead of is not tried again, here or elsewhere."""
        self._step.replaced += self._replaced.heard(replaced_by(accepted))

    def _log(self, job: Job, answer: Answer, outcome: Outcome, *, goes_on: bool = False) -> None:
        """The attempt's record; where none can be made, one that tells so. One that `goes_on` is logged once more."""
        tier = self._schedule.names[outcome.tier] if isinstance(outcome, Retry) else None
        name = job.delivery.id
        within, keep = self._boundaries.within, self._keep
        if keep is None and isinstance(answer, Kept) and job.traced is None:
            unread = Unread(job=job, answer=answer, outcome=outcome, next_tier=tier)
            self._step.unread.append((job.entry, unread))
            return
        attempt = within(Boundary.LOG, job.entry, logged, job, answer, outcome, tier, delivery_id=name)
        if keep is not None and not isinstance(attempt, Bug):
            attempt = within(Boundary.LOG, job.entry, keep, attempt, job, delivery_id=name)
        if isinstance(attempt, Bug):
            attempt = unlogged(job, attempt.failure, outcome, tier)
        self._step.attempts.append((job.entry, attempt))
        if job.traced is not None and not goes_on:
            self._step.traced.append(ended(job, job.traced, attempt))

    def _suspend(self, now_ms: int, job: Job, reason: str) -> None:
        """Once for a view of the tenant; from now on the subscription is taken as suspended."""
        subscription = job.target.subscription
        view = self._view_of(subscription.tenant)
        if subscription.status is Status.ACTIVE and (view is None or view.suspend(subscription.id)):
            self._endings.suspend(now_ms, job.entry, subscription, reason)


def _is_in_backlog(delivery: Delivery) -> bool:
    """Whether its waits are those that its webhook's customer is told of: what was tried has its own log."""
    return delivery.attempts == 0


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


def _stops_its_key(job: Job, reason: DeathReason) -> bool:
    return job.entry.window.beside is not None and stops(job.target.subscription, reason)
