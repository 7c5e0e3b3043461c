"""Recover what a webhook missed, or send its deliveries again: counted first, then started.

The laws:
- nothing is sent before the number of it was shown, but by "Resume and recover", which says what it does;
- a count is a job that waits: the page's address names it, so it is there again after a reload.
"""

from dataclasses import dataclass, replace
from http import HTTPStatus

from starlette.responses import Response

from consumer.api.job_asking import JobAsker, Wanted
from consumer.api.job_subjects import not_kept
from consumer.api.problem import Refusal
from consumer.control.keys import Scope
from consumer.control.work import Work
from consumer.delivery.outcome import DeathReason
from consumer.jobs.desk import JobUnknown
from consumer.jobs.job import Kind, Missed, State, Subject
from consumer.kafka.client import KafkaBroken
from consumer.log.resource import FAILURES
from consumer.portal import jobs_page
from consumer.portal.answering import Done, page
from consumer.portal.faults import by_field
from consumer.portal.job_view import JobView
from consumer.portal.log_filters import STATUSES
from consumer.portal.log_page import Option
from consumer.portal.names import Named, named
from consumer.portal.sending_form import Sending, earliest_ms, rate_of, sending_of, spans_of, subject_of
from consumer.portal.times import Moment, moment_or_none
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.portal.wrong import missed_since_ms
from consumer.shares import Busy
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.subscription import Status, Subscription
from consumer.webhooks.wrong import Code, Faults, Wrong

_PATHS = {Kind.RECOVER: "recover", Kind.REPLAY: "replay"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A span that is chosen with one press."""

    key: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a count found, or has found so far. `start` is where it is started, None while it is counted."""

    job: JobView
    start: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingView:
    """The page. `hindered`: why it was not begun, `other_url` the job that is in the way, if it is one.

    `kept`: since when events are there, where some of what may be asked for is not.
    """

    recovers: bool
    kept: Moment | None
    named: Named
    webhook_url: str
    action: str
    chips: tuple[Chip, ...]
    form: Sending
    statuses: tuple[Option, ...]
    reasons: tuple[Option, ...]
    types: tuple[str, ...]
    inactive: str | None
    counted: Counted | None
    hindered: str | None
    other_url: str | None
    jobs_url: str
    wrong: dict[str, str]


def show_recover(visit: Visit) -> Response:
    """The form, and what was counted."""
    return _shown(visit, Kind.RECOVER)


def show_replay(visit: Visit) -> Response:
    """The same of deliveries."""
    return _shown(visit, Kind.REPLAY)


def count_recover(visit: Visit, work: Work) -> Done | Response:
    """Count what would be recovered."""
    return _count(visit, work, Kind.RECOVER)


def count_replay(visit: Visit, work: Work) -> Done | Response:
    """Count what would be sent again."""
    return _count(visit, work, Kind.REPLAY)


def resume_and_recover(visit: Visit, work: Work) -> Done | Response:
    """Resume a webhook, and send it what it missed since then."""
    visit.caller.need(Scope.WRITE)
    subscription = visit.webhook(visit.params["webhook"])
    form, faults = sending_of(visit.form, Kind.RECOVER), Faults()
    asker = _asker(visit, work)
    subject, rate = _subject(asker, visit, form, Kind.RECOVER, faults), rate_of(form, faults)
    if subject is None or faults.found:
        return _page(visit, subscription, Kind.RECOVER, form, wrong=by_field(faults.found))
    if subscription.status is not Status.ACTIVE:
        visit.services.plane.webhooks.resume(visit.owner, subscription.id, work=work)
    wanted = Wanted(webhook=subscription.id, kind=Kind.RECOVER, subject=subject, rate_per_s=rate)
    try:
        known = asker.made_before() or asker.ask(wanted)
    except Refusal as refusal:
        return _page(visit, visit.webhook(subscription.id), Kind.RECOVER, form, refusal=refusal)
    return Done(then=f"jobs/{known.asked.id}", notice="resumed_and_recovers", made=known.asked.id)


def _shown(visit: Visit, kind: Kind) -> Response:
    subscription = visit.webhook(visit.params["webhook"])
    form = sending_of(visit.query, kind)
    if kind is Kind.RECOVER and "since" not in visit.query and subscription.status is not Status.ACTIVE:
        form = replace(form, since=rfc3339(_missed_since_ms(visit, subscription)))
    return _page(visit, subscription, kind, form, job=visit.query.get("job"))


def _count(visit: Visit, work: Work, kind: Kind) -> Done | Response:
    subscription, form, faults = visit.webhook(visit.params["webhook"]), sending_of(visit.form, kind), Faults()
    asker = _asker(visit, work)
    subject, rate = _subject(asker, visit, form, kind, faults), rate_of(form, faults)
    if subject is None or faults.found:
        return _page(visit, subscription, kind, form, wrong=by_field(faults.found))
    wanted = Wanted(
        webhook=subscription.id, kind=kind, subject=subject, again=form.again, rate_per_s=rate, counts_only=True
    )
    try:
        known = asker.made_before() or asker.ask(wanted)
    except Refusal as refusal:
        return _page(visit, subscription, kind, form, refusal=refusal)
    job = known.asked.id
    return Done(then=f"webhooks/{subscription.id}/{_PATHS[kind]}", pairs=(*form.pairs, ("job", job)), made=job)


def _page(
    visit: Visit,
    subscription: Subscription,
    kind: Kind,
    form: Sending,
    *,
    job: str = "",
    wrong: dict[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response:
    say, path = words().say, f"webhooks/{subscription.id}/{_PATHS[kind]}"
    spans = spans_of(subscription, kind, _missed_since_ms(visit, subscription))
    active = subscription.status is Status.ACTIVE
    view = SendingView(
        recovers=kind is Kind.RECOVER,
        kept=moment_or_none(_kept_ms(visit, subscription) if kind is Kind.RECOVER else None, visit.now_ms),
        named=named(subscription),
        webhook_url=visit.url(f"webhooks/{subscription.id}"),
        action=visit.url(path),
        chips=tuple(
            Chip(
                key=each.key,
                url=visit.url(path, [("since", each.since), *([("until", each.until)] if each.until else [])]),
            )
            for each in spans
        ),
        form=form,
        statuses=tuple(
            Option(value=each, label=say(f"ended.{each}"), chosen=each in form.statuses) for each in STATUSES
        ),
        reasons=tuple(
            Option(value=each, label=say(f"reason.{each}"), chosen=each == form.reason)
            for each in (*FAILURES, *DeathReason)
        ),
        types=tuple(each.type for each in visit.brand.catalogue),
        inactive=None if active else f"send.inactive.{subscription.status}",
        counted=_counted(visit, subscription, kind, job),
        hindered=None if refusal is None else f"hindered.{refusal.code}",
        other_url=None if refusal is None or refusal.job is None else visit.url(f"jobs/{refusal.job}"),
        jobs_url=visit.url("jobs"),
        wrong=wrong or {},
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK if refusal is None else refusal.status
    title = say("send.recover" if view.recovers else "send.replay")
    return page(visit, "sending.html", view, title=title, tab="webhooks", status=status)


def _kept_ms(visit: Visit, subscription: Subscription) -> int | None:
    """Since when events are kept, where they are not since the first span; None too where nobody can say now."""
    try:
        return _asker(visit, None).kept_since_ms(earliest_ms(subscription))
    except (Busy, KafkaBroken):
        return None


def _asker(visit: Visit, work: Work | None) -> JobAsker:
    return JobAsker(services=visit.services, caller=visit.caller, work=work)


def _subject(asker: JobAsker, visit: Visit, form: Sending, kind: Kind, faults: Faults) -> Subject | None:
    """What is to be sent; None: faults say why not. Raises Busy, KafkaBroken: it is not known what is kept."""
    subject = subject_of(form, kind, visit.now_ms, faults)
    kept_ms = asker.kept_since_ms(subject.since_ms) if isinstance(subject, Missed) else None
    if kept_ms is not None:
        faults.add(Wrong(field="since", code=Code.OUT_OF_RANGE, message=not_kept(kept_ms)))
    return subject


def _missed_since_ms(visit: Visit, subscription: Subscription) -> int:
    return missed_since_ms(subscription, visit.services.healths.read([subscription.id]).get(subscription.id))


def _counted(visit: Visit, subscription: Subscription, kind: Kind, job: str) -> Counted | None:
    """The count that the address names, if it is one of this page's."""
    if not job:
        return None
    try:
        known = jobs_page.job(visit, job)
    except JobUnknown:
        return None
    if (known.asked.webhook, known.asked.kind) != (subscription.id, kind):
        return None
    ready = known.job.state is State.COUNTED
    return Counted(job=jobs_page.seen(visit, known), start=visit.url(f"jobs/{job}/start") if ready else None)
