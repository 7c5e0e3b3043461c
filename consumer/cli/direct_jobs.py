"""Jobs by way of Kafka, as their operator asks for them.

The law: what is asked for is written as a wish, as the API does it, and the role `jobs` runs it. Where none is there,
the job runs in this process, by the same rules, until it ends, pauses or is stopped: nobody waits for a role in vain.
"""

import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

from consumer.api.job_subjects import not_kept
from consumer.cli.exits import INTERRUPTED, CommandFailed, bad_input, say
from consumer.cli.interrupt import in_order
from consumer.cli.job_installed import Installed
from consumer.cli.job_port import (
    Change,
    Pace,
    RecoveryWanted,
    ReplayWanted,
    Told,
    delivery_unknown,
    hindrance,
    job_unknown,
    refused,
)
from consumer.cli.job_subjects import matching_of, missed_of
from consumer.cli.progress import job_bar
from consumer.cli.stopping import Stop, event_of
from consumer.cli.webhook_port import DEFAULT_BRAND, Shown
from consumer.control.owner import Owner, owner_of
from consumer.control.resend_now import AlreadyDelivered
from consumer.jobs.at_once import BodyNotKept, KeptNoLonger, NeverMade, NotThere
from consumer.jobs.conduct import AskedJob
from consumer.jobs.desk import JobUnknown, NobodyRuns
from consumer.jobs.job import (
    MOST_CHOSEN,
    USUAL_PER_S,
    Asked,
    Chosen,
    Kind,
    State,
    Subject,
    Wish,
)
from consumer.jobs.record import asked_id
from consumer.replay.ledger import TakenOver
from consumer.replay.plan import Place
from consumer.webhooks.wrong import Code, invalid

_PAGE: Final = 100
_OPERATOR: Final = "operator"
_DEEDS: Final[Mapping[Kind, str]] = {
    Kind.REPLAY: "replayWebhook",
    Kind.RECOVER: "recoverWebhook",
    Kind.RESEND: "resendDelivery",
}
_WISHES: Final[Mapping[Change, Wish]] = {
    Change.START: Wish.RUN,
    Change.RESUME: Wish.RUN,
    Change.PAUSE: Wish.PAUSE,
    Change.CANCEL: Wish.CANCEL,
}


class DirectJobs:
    """The jobs of one tenant under one brand. For a webhook it may be left out whose it is."""

    def __init__(self, installed: Installed, *, tenant: str | None, brand: str | None) -> None:
        self._installed = installed
        self._tenant = tenant
        self._brand = brand

    @property
    def way(self) -> str:
        """See `JobPort`."""
        brand = "" if self._brand in {None, DEFAULT_BRAND} else f" --brand {self._brand}"
        return f" --tenant {self._tenant}{brand}"

    def replay(self, webhook: str, wanted: ReplayWanted) -> Told:
        """See `JobPort`."""
        owner = self._owner_of(webhook)
        subject = (
            self._chosen(owner, webhook, wanted.deliveries) if wanted.deliveries else matching_of(wanted, _now_ms())
        )
        return self._ask(owner, webhook, Kind.REPLAY, subject, wanted.pace, place=wanted.position)

    def recover(self, webhook: str, wanted: RecoveryWanted) -> Told:
        """See `JobPort`."""
        owner, subject = self._owner_of(webhook), missed_of(wanted, _now_ms())
        kept_ms = self._installed.kept_since(subject.since_ms)
        if kept_ms is not None:
            raise invalid("since", Code.OUT_OF_RANGE, not_kept(kept_ms))
        return self._ask(owner, webhook, Kind.RECOVER, subject, wanted.pace)

    def resend(self, delivery: str, *, webhook: str | None, again: bool) -> Told:
        """See `JobPort`."""
        owner = self._owner
        found = self._installed.lying(owner, [delivery], webhook).get(delivery)
        if found is None:
            raise delivery_unknown(delivery)
        return self._ask(owner, found.webhook, Kind.RESEND, Chosen(spots=(found.spot,)), Pace(again=again))

    def resend_now(self, delivery: str, *, webhook: str | None, again: bool) -> Shown:
        """See `JobPort`."""
        try:
            resent = self._installed.resend_now(self._owner, delivery, webhook, again=again)
        except NotThere:
            raise delivery_unknown(delivery) from None
        except AlreadyDelivered:
            raise refused("it was accepted: ask with --again if it is to be sent once more") from None
        except (KeptNoLonger, BodyNotKept, NeverMade) as error:
            raise bad_input(str(error), field="delivery") from None
        self._installed.tell(_DEEDS[Kind.RESEND], self._owner, target=delivery)
        return resent

    def listed(self, *, webhook: str | None, state: State | None) -> Iterator[Shown]:
        """See `JobPort`."""
        owner, after = self._owner, None
        while True:
            page, after = self._installed.desk.page(owner, after=after, limit=_PAGE)
            meant = [each for each in page if webhook in {None, each.asked.webhook} and state in {None, each.job.state}]
            answered = self._installed.desk.answered([each.asked.id for each in meant])
            for each in meant:
                yield self._installed.shown(each, answered.get(each.asked.id), _now_ms())
            if after is None:
                return

    def show(self, job: str) -> Shown:
        """See `JobPort`."""
        return self._shown(self._get(job))

    def change(self, job: str, change: Change) -> Told:
        """See `JobPort`."""
        known, wish = self._get(job), _WISHES[change]
        if (why := hindrance(change, known.job.state)) is not None:
            raise refused(why)
        if known.job.ended:
            return Told(job=self._shown(known))
        action = f"{change.value}Job"
        try:
            done = self._told(self._installed.desk.wish(self._owner, job, wish))
        except NobodyRuns:
            self._installed.tell(action, self._owner, target=job)
            latest = self._get(job).asked
            return self._here(replace(latest, wish=wish, number=latest.number + 1))
        self._installed.tell(action, self._owner, target=job)
        return done

    @property
    def _owner(self) -> Owner:
        assert self._tenant is not None, "only a webhook's id says whose it is"
        return Owner(tenant=self._tenant, brand=self._brand or DEFAULT_BRAND)

    def _owner_of(self, webhook: str) -> Owner:
        owner = owner_of(self._installed.webhook(webhook))
        self._tenant, self._brand = owner.tenant, owner.brand
        return owner

    def _chosen(self, owner: Owner, webhook: str, ids: Collection[str]) -> Chosen:
        if len(ids) > MOST_CHOSEN:
            raise invalid(
                "delivery", Code.TOO_MANY, f"is given more than {MOST_CHOSEN:,} times: choose them by a filter"
            )
        there = self._installed.lying(owner, ids, webhook)
        if missing := [each for each in ids if each not in there]:
            raise invalid("delivery", Code.NOT_A_CHOICE, f"{missing[0]} is no delivery of this webhook")
        return Chosen(spots=tuple(there[each].spot for each in dict.fromkeys(ids)))

    def _ask(
        self, owner: Owner, webhook: str, kind: Kind, subject: Subject, pace: Pace, *, place: Place = Place.BEFORE
    ) -> Told:
        at_ms = _now_ms()
        asked = Asked(
            id=asked_id(None, secrets.token_bytes),
            owner=owner,
            webhook=webhook,
            kind=kind,
            subject=subject,
            again=pace.again,
            rate_per_s=USUAL_PER_S if pace.rate_per_s is None else pace.rate_per_s,
            most=self._installed.most_replays,
            place=place,
            created_by=_OPERATOR,
            created_at_ms=at_ms,
            wish=Wish.COUNT if pace.dry_run else Wish.RUN,
        )
        try:
            done = self._told(self._installed.desk.ask(asked))
        except NobodyRuns:
            self._installed.tell(_DEEDS[kind], owner, target=webhook, made=asked.id)
            # The desk took it back, which was its second wish.
            return self._here(replace(asked, number=asked.number + 2))
        self._installed.tell(_DEEDS[kind], owner, target=webhook, made=asked.id)
        return done

    def _here(self, asked: Asked) -> Told:
        """As the role would, in this process."""
        say("no role `jobs` is running: running it here")
        with in_order(), Stop() as stop, event_of(stop) as stopped, job_bar() as tell:
            try:
                known = self._installed.run_here(asked, stop=stopped, progress=lambda known: tell(self._shown(known)))
            except TakenOver:
                say("a role `jobs` has begun: the job goes on there")
                return Told(job=self.show(asked.id))
        if known is None:
            raise CommandFailed(INTERRUPTED, f"interrupted before {asked.id} began: nothing was sent")
        return self._told(known, stopped=stop.asked)

    def _told(self, known: AskedJob, *, stopped: bool = False) -> Told:
        """Raises CommandFailed: 75, it was refused."""
        job = self._shown(known)
        if known.job.state is State.REFUSED:
            raise refused(str(job["detail"] or job["reason"]), other=known.job.other)
        return Told(job=job, stopped=stopped and not known.job.ended)

    def _get(self, job: str) -> AskedJob:
        try:
            return self._installed.desk.get(self._owner, job)
        except JobUnknown:
            raise job_unknown(job) from None

    def _shown(self, known: AskedJob) -> Shown:
        answered = self._installed.desk.answered([known.asked.id]).get(known.asked.id)
        return self._installed.shown(known, answered, _now_ms())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
