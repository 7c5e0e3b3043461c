"""From a request that came to its end to what became of its attempt.

    answered ─► read ─► its lane learns ─► outcome ─► logged, written, ended

The laws: every attempt that was begun is logged, whatever becomes of it; and what an answer does to the code that reads
it ends this attempt and nothing else (`boundary.py`).
"""

from collections.abc import Callable
from typing import assert_never

from consumer.delivery.answer import Answer, Failure, FailureKind, Kept
from consumer.delivery.boundary import Boundaries, Boundary, Bug
from consumer.delivery.delivery import Delivery
from consumer.delivery.endings import Endings, attempted
from consumer.delivery.entry import Entry
from consumer.delivery.flying import Flying
from consumer.delivery.giving_up import GivingUp, stops_its_key
from consumer.delivery.kept_bodies import Keep
from consumer.delivery.lane import Job
from consumer.delivery.logged import Unread, logged, unlogged
from consumer.delivery.offsets import Window
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
from consumer.delivery.schedule import Schedule
from consumer.delivery.step import Step
from consumer.delivery.tally import DEAD, HANDED_OVER, RETRIED
from consumer.delivery.tracing import ended
from consumer.delivery.traffic import Traffic
from consumer.delivery.waiting import Waiting
from consumer.webhooks.subscription import Retries


class Answering:
    """The requests under way, and what is asked of the shell for them: `step`. `heard` is told before lanes are."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        traffic: Traffic,
        endings: Endings,
        boundaries: Boundaries,
        heard: Callable[[Job, Asked, int], None],
        replaced: Replaced,
        giving_up: GivingUp,
        waiting: Waiting,
        keep: Keep | None = None,
    ) -> None:
        self._schedule = schedule
        self._traffic = traffic
        self._endings = endings
        self._boundaries = boundaries
        self._heard = heard
        self._giving_up = giving_up
        self._waiting = waiting
        self._keep = keep
        self.replaced = replaced
        self.step = Step()
        self.flying = Flying()

    @property
    def busy(self) -> bool:
        """Whether anything is under way, or to be logged."""
        return bool(self.flying or self.step.attempts or self.step.unread)

    def asked(self) -> Step:
        """What is to be sent, cancelled, logged and marked, of what came up since the last call."""
        step, self.step = self.step, Step()
        return step

    def answered(self, now_ms: int, token: int, answer: Answer) -> None:
        """A request came to its end."""
        job = self.flying.end(token)
        if job is None:
            return  # given up meanwhile
        self._boundaries.take(job.entry)
        if isinstance(answer, Failure) and answer.error is not None:
            answer = self._boundaries.met(Boundary.ANSWER, job.entry, answer.error, job.delivery.id).failure
        try:
            asked = read(answer, now_ms)
        except Exception as error:  # noqa: BLE001 # contained
            answer = self._boundaries.met(Boundary.ANSWER, job.entry, error, job.delivery.id).failure
            asked = read(answer, now_ms)
        self._heard(job, asked, now_ms)
        self._traffic.answered(job, asked, now_ms)
        if job.handed_over is not None:
            self._late(job, answer, asked)
        elif job.entry.window.closed:
            job.answer = answer
        else:
            self._ended(now_ms, job, answer, asked)

    def failed(self, now_ms: int, job: Job, failure: Failure) -> None:
        """There was no request to send."""
        asked = read(failure, now_ms)
        self._traffic.answered(job, asked, now_ms)
        self._ended(now_ms, job, failure, asked)

    def adopted(self, now_ms: int, job: Job) -> None:
        """It was sent for a record that was lost, which is ours again. Its answer may have come meanwhile."""
        answer = job.answer
        if answer is None:
            return
        asked = self._boundaries.within(Boundary.ANSWER, job.entry, read, answer, now_ms, delivery_id=job.delivery.id)
        if isinstance(asked, Bug):
            answer = asked.failure
            asked = read(answer, now_ms)
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
            self._waiting.pass_on(now_ms, job)
        else:
            self._traffic.put_back(job, now_ms)

    # ── whoever waits for an answer no longer ────────────────────────────────────────────────────────────────────

    def give_up(self, now_ms: int) -> None:
        """Cancel the unanswered requests of draining partitions.

        Each was an attempt, and is retried when its timeout would have ended.
        """
        for token, job in self.flying.give_up():
            self.step.cancel.append(token)
            self._traffic.abandoned(job, now_ms)
            self._hand_over(now_ms, job, goes_on=False)

    def relieve(self, now_ms: int, window: Window, unanswered_for_ms: int) -> None:
        """Hand over the old requests of this window. A head of the ordered topic stays: it has no other place."""
        if window.beside is not None:
            return
        for job in self.flying.unanswered(now_ms - unanswered_for_ms, lambda entry: entry.window is window):
            self._hand_over(now_ms, job, goes_on=True)

    def relieve_heads(self, now_ms: int, crowds: Callable[[Entry], bool], unanswered_for_ms: int) -> None:
        """Hand over the old ones of these requests: too much waits behind them (`direct.py`)."""
        for job in self.flying.unanswered(now_ms - unanswered_for_ms, crowds):
            self._hand_over(now_ms, job, goes_on=True)

    def _hand_over(self, now_ms: int, job: Job, *, goes_on: bool) -> None:
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

    def _late(self, job: Job, answer: Answer, asked: Asked) -> None:
        """The answer to one that was handed over: what becomes of it is decided, unless it was accepted."""
        if asked.success:
            self.step.succeeded_late.append(job.delivery.id)
            self._replace(job.delivery)
            self._log(job, answer, DELIVERED)
        elif job.handed_over is not None:
            self._log(job, answer, job.handed_over)

    # ── the end of an attempt ────────────────────────────────────────────────────────────────────────────────────

    def _ended(self, now_ms: int, job: Job, answer: Answer, asked: Asked) -> None:
        if job.entry.window.closed:
            return
        endings, delivery = self._endings, job.delivery
        endings.counts["attempts"] += 1
        if asked.success:
            self._log(job, answer, DELIVERED)
            endings.counts["deliveries_delivered"] += 1
            endings.tally.accepted(now_ms, delivery, answer)
            if delivery.replays:
                self._replace(delivery)
            job.entry.close_one(delivery.id)
        else:
            self._failed(now_ms, job, answer, asked)

    def _failed(self, now_ms: int, job: Job, answer: Answer, asked: Asked) -> None:
        retries = job.target.subscription.retries is not Retries.NONE
        outcome = decide(asked, job.delivery, self._schedule, retries=retries, started_ms=job.started_ms, now_ms=now_ms)
        given_up = isinstance(outcome, Dead) and stops_its_key(job, outcome.reason)
        self._log(job, answer, Dead(reason=DeathReason.BLOCKED) if given_up else outcome)
        match outcome:
            case Retry():
                self._endings.tally.attempted(RETRIED, answer)
                self._endings.retry(now_ms, job, attempted(job, answer), outcome.tier)
            case Dead():
                self._endings.tally.attempted(DEAD, answer)
                if outcome.suspend:
                    self._giving_up.suspend(now_ms, job, f"the endpoint answered {described(answer)}")
                self._giving_up.give_up(now_ms, job, attempted(job, answer), outcome.reason, described(answer))
            case Delivered():
                raise AssertionError("an answer that is no success has another outcome")
            case _:
                assert_never(outcome)

    def _replace(self, accepted: Delivery) -> None:
        """What it was sent instead of is not tried again, here or elsewhere."""
        self.step.replaced += self.replaced.heard(replaced_by(accepted))

    def _log(self, job: Job, answer: Answer, outcome: Outcome, *, goes_on: bool = False) -> None:
        """The attempt's record; where none can be made, one that tells so. One that `goes_on` is logged once more."""
        tier = self._schedule.names[outcome.tier] if isinstance(outcome, Retry) else None
        keep = self._keep
        if keep is None and isinstance(answer, Kept) and job.traced is None:
            unread = Unread(job=job, answer=answer, outcome=outcome, next_tier=tier)
            self.step.unread.append((job.entry, unread))
            return
        within, name = self._boundaries.within, job.delivery.id
        attempt = within(Boundary.LOG, job.entry, logged, job, answer, outcome, tier, delivery_id=name)
        if keep is not None and not isinstance(attempt, Bug):
            attempt = within(Boundary.LOG, job.entry, keep, attempt, job, delivery_id=name)
        if isinstance(attempt, Bug):
            attempt = unlogged(job, attempt.failure, outcome, tier)
        self.step.attempts.append((job.entry, attempt))
        if job.traced is not None and not goes_on:
            self.step.traced.append(ended(job, job.traced, attempt))
