"""What a caller of the API or the pages asks of those who run jobs: a job, or one delivery that is sent again.

The laws:
- who asks for a job sends nothing by himself; a request that is done once asks for the same job in every try;
- who waits for a resend holds one of RESENDS places, RESENDS_OF_A_TENANT of them one tenant's, for PATIENCE_S at most.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from consumer.api.caller import Caller
from consumer.api.chosen_deliveries import found
from consumer.api.job_refusals import Hindrance, conflict, gone, of_refused, of_resend, of_status
from consumer.api.moments import now_ms
from consumer.api.problem import not_found
from consumer.api.services import Services
from consumer.control.work import Work
from consumer.jobs.conduct import AskedJob
from consumer.jobs.desk import JobUnknown, awaited
from consumer.jobs.found import Found
from consumer.jobs.job import USUAL_PER_S, Asked, Chosen, Kind, State, Subject, Wish
from consumer.jobs.record import asked_id
from consumer.log.entry import Ended
from consumer.replay.plan import Place
from consumer.shares import Shares

RESENDS: Final = 32
RESENDS_OF_A_TENANT: Final = 4
PATIENCE_S: Final = 3.0


def resends() -> Shares:
    """The resends that are waited for in a process."""
    return Shares("resends", places=RESENDS, share=RESENDS_OF_A_TENANT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A job of the caller's webhook. `counts_only`: it waits to be started."""

    webhook: str
    kind: Kind
    subject: Subject
    again: bool = False
    rate_per_s: int = USUAL_PER_S
    counts_only: bool = False
    place: Place = Place.BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAsker:
    """Whoever asks. `work`: what a request that is done once makes; None: it may be done twice."""

    services: Services
    caller: Caller
    work: Work | None

    def made_before(self) -> AskedJob | None:
        """The job that an earlier try of this request asked for: then nothing of the request is looked at again."""
        if self.work is None:
            return None
        try:
            return self.services.jobs.get(self.caller.owner, asked_id(self.work.name, secrets.token_bytes))
        except JobUnknown:
            return None

    def kept_since_ms(self, since_ms: int) -> int | None:
        """Since when events are kept; None: all of them are since that time. Raises Busy, KafkaBroken."""
        with self.services.look_ups.place(self.caller.owner.tenant):
            return self.services.kept_since(since_ms)

    def ask(self, wanted: Wanted) -> AskedJob:
        """Ask for a job. Raises Refusal: 409, it was refused; NobodyRuns, KafkaBroken."""
        services = self.services
        asked = Asked(
            id=asked_id(None if self.work is None else self.work.name, secrets.token_bytes),
            owner=self.caller.owner,
            webhook=wanted.webhook,
            kind=wanted.kind,
            subject=wanted.subject,
            again=wanted.again,
            rate_per_s=wanted.rate_per_s,
            most=services.plane.settings.max_replays,
            place=wanted.place,
            created_by=self.caller.name,
            created_at_ms=now_ms(),
            wish=Wish.COUNT if wanted.counts_only else Wish.RUN,
        )
        known = services.jobs.ask(asked)
        if known.job.state is State.REFUSED:
            raise of_refused(known)
        return known

    def resend(self, id_: str, webhook: str | None, *, again: bool) -> AskedJob:
        """One delivery, of this webhook where one is named: a job of one, which has usually ended.

        Raises:
            Refusal: 404, 409, 410: there is none, it cannot be done as things are, or what was sent is not kept.
            WebhookUnknown, Busy, NobodyRuns, CacheUnavailable, KafkaBroken.
        """
        with self.services.resends.place(self.caller.owner.tenant):
            known = self.made_before()
            if known is None:
                one = self._resendable(id_, webhook, again=again)
                subject = Chosen(spots=(one.spot,))
                known = self.ask(Wanted(webhook=one.webhook, kind=Kind.RESEND, subject=subject, again=again))
            known = self._waited(known)
        if (refusal := of_resend(known.job)) is not None:
            raise refusal
        return known

    def _resendable(self, id_: str, webhook: str | None, *, again: bool) -> Found:
        """The delivery. Raises Refusal: 404, 409, 410; WebhookUnknown."""
        owner = self.caller.owner
        one = found(self.services, owner, [id_], frozenset(() if webhook is None else (webhook,))).get(id_)
        if one is None:
            raise not_found("there is no such delivery: list the deliveries to see which there are")
        subscription = self.services.plane.webhooks.get(owner, one.webhook)
        if (refusal := of_status(subscription.status)) is not None:
            raise refusal
        if one.left_out:
            raise gone()
        if one.ended is Ended.DELIVERED and not again:
            raise conflict(Hindrance.ALREADY_DELIVERED)
        return one

    def _waited(self, known: AskedJob) -> AskedJob:
        """The job of one, ended if it ends soon. One that paused itself is taken back: it is not to come later."""
        jobs = self.services.jobs
        known = awaited(jobs, known, PATIENCE_S)
        if known.job.state is not State.PAUSED:
            return known
        canceled = jobs.wish(known.asked.owner, known.asked.id, Wish.CANCEL)
        return known if canceled.job.state is State.CANCELED else canceled
