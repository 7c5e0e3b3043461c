"""The routes by which something is sent again: one delivery, deliveries of a webhook, and what a webhook missed.

The laws:
- each asks for a job and sends nothing by itself; a request with an Idempotency-Key asks for the same job in every try;
- who waits for a resend holds one of RESENDS places, RESENDS_OF_A_TENANT of them one tenant's, for PATIENCE_S at most.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel
from starlette.responses import Response

from consumer.api import answers
from consumer.api.call import Call, needs
from consumer.api.chosen_deliveries import found
from consumer.api.deliveries import DeliveryId, OfWebhook
from consumer.api.documents import problems
from consumer.api.job_models import Job as JobModel
from consumer.api.job_models import Recovery, Replay, Resend
from consumer.api.job_refusals import Hindrance, conflict, gone, of_refused, of_resend, of_status
from consumer.api.job_subjects import (
    faults_of_filter,
    faults_of_recovery,
    faults_of_replay,
    matching_of,
    missed_of,
    not_kept,
)
from consumer.api.jobs import TAGS, job_told
from consumer.api.log_models import Attempt
from consumer.api.meanings import Meaning
from consumer.api.moments import now_ms
from consumer.api.problem import not_found
from consumer.api.resend_now import resent_now
from consumer.api.site import Asking, Id, Site
from consumer.control.keys import Scope
from consumer.jobs.conduct import Known
from consumer.jobs.desk import JobUnknown, awaited
from consumer.jobs.found import Found
from consumer.jobs.job import USUAL_PER_S, Asked, Chosen, Kind, Missed, State, Subject, Wish
from consumer.jobs.record import asked_id
from consumer.log.entry import Ended
from consumer.replay.plan import Place
from consumer.shares import Shares
from consumer.webhooks.wrong import Code, FieldInvalid, Wrong, invalid

RESENDS: Final = 32
RESENDS_OF_A_TENANT: Final = 4
PATIENCE_S: Final = 3.0
_MOST_TOLD: Final = 20


def resends() -> Shares:
    """The resends that are waited for in a process."""
    return Shares("resends", places=RESENDS, share=RESENDS_OF_A_TENANT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a request asks for, of its caller's webhook."""

    webhook: str
    kind: Kind
    subject: Subject
    body: Replay | Recovery | Resend


def add_sending_again(site: Site) -> None:
    """Add them below each webhook, and below each delivery."""
    _add_resend(site)
    _add_replay(site)
    _add_recover(site)


def _add_replay(site: Site) -> None:
    def wrong_with(body: BaseModel, _call: Call, _parameters: Mapping[str, str]) -> Sequence[Wrong]:
        assert isinstance(body, Replay)
        return faults_of_filter(body, now_ms())

    site.meanings["replayWebhook"] = Meaning(model=Replay, wrong_with=wrong_with)

    @site.app.post(
        site.base + "/{id}/replay",
        operation_id="replayWebhook",
        summary="Send deliveries of a webhook again",
        description="It is a job: look at it until its `state` is done. With `dryRun` it only counts, and waits to be "
        "started.",
        tags=[*TAGS],
        status_code=HTTPStatus.ACCEPTED,
        response_model=site.shapes.one(JobModel),
        responses=problems(404, 409, 422),
        openapi_extra=needs(Scope.REPLAY),
    )
    def replay_webhook(call: Asking, id: Id, body: Replay) -> Response:  # noqa: A002 # the path's own word
        site.services.plane.webhooks.get(call.caller.owner, id)
        known = _made_before(site, call)
        if known is None:
            subject = _replayed(site, call, id, body)
            known = _asked_for(site, call, _Wanted(webhook=id, kind=Kind.REPLAY, subject=subject, body=body))
        return _accepted(site, known)


def _add_recover(site: Site) -> None:
    def wrong_with(body: BaseModel, _call: Call, _parameters: Mapping[str, str]) -> Sequence[Wrong]:
        assert isinstance(body, Recovery)
        return faults_of_recovery(body, now_ms())

    site.meanings["recoverWebhook"] = Meaning(model=Recovery, wrong_with=wrong_with)

    @site.app.post(
        site.base + "/{id}/recover",
        operation_id="recoverWebhook",
        summary="Send a webhook what it missed",
        description="Events that the webhook, as it is now, wants, that came since then, that it did not accept, and "
        "that are not on their way: also those from while it was paused or suspended, and from before there was this "
        "webhook. It is a job, as a replay is.",
        tags=[*TAGS],
        status_code=HTTPStatus.ACCEPTED,
        response_model=site.shapes.one(JobModel),
        responses=problems(404, 409, 422),
        openapi_extra=needs(Scope.REPLAY),
    )
    def recover_webhook(call: Asking, id: Id, body: Recovery) -> Response:  # noqa: A002 # same
        site.services.plane.webhooks.get(call.caller.owner, id)
        known = _made_before(site, call)
        if known is None:
            subject = missed_of(body, now_ms())
            _check_kept(site, call, subject)
            known = _asked_for(site, call, _Wanted(webhook=id, kind=Kind.RECOVER, subject=subject, body=body))
        return _accepted(site, known)


def _check_kept(site: Site, call: Call, subject: Missed) -> None:
    """Raises FieldInvalid: events of its time were there, and are not kept."""
    with site.services.look_ups.place(call.caller.owner.tenant):
        kept_ms = site.services.kept_since(subject.since_ms)
    if kept_ms is not None:
        raise invalid("since", Code.OUT_OF_RANGE, not_kept(kept_ms))


def _add_resend(site: Site) -> None:
    services = site.services

    @site.app.post(
        site.prefix + "/deliveries/{id}/resend",
        operation_id="resendDelivery",
        summary="Send a delivery again",
        description="The same event and the same body, signed anew, to its own webhook. It is a job of one, which has "
        "usually ended when this answers: `made` has the new delivery's id. With `now` it is one attempt, answered "
        "with 200 and with all that came of it.",
        tags=[*TAGS],
        status_code=HTTPStatus.ACCEPTED,
        response_model=site.shapes.one(JobModel),
        responses={HTTPStatus.OK: {"model": site.shapes.one(Attempt)}, **problems(404, 409, 410, 422)},
        openapi_extra=needs(Scope.REPLAY),
    )
    def resend_delivery(
        call: Asking,
        id: DeliveryId,  # noqa: A002 # same
        body: Resend | None = None,
        webhook: OfWebhook = None,
    ) -> Response:
        asked = Resend() if body is None else body
        if asked.now:
            return resent_now(site, call, id, webhook, again=asked.again)
        with services.resends.place(call.caller.owner.tenant):
            known = _made_before(site, call)
            if known is None:
                one = _resendable(site, call, id, webhook, again=asked.again)
                subject = Chosen(spots=(one.spot,))
                wanted = _Wanted(webhook=one.webhook, kind=Kind.RESEND, subject=subject, body=asked)
                known = _asked_for(site, call, wanted)
            known = _waited(site, known)
        if (refusal := of_resend(known.job)) is not None:
            raise refusal
        return _accepted(site, known)


def _replayed(site: Site, call: Call, webhook: str, body: Replay) -> Subject:
    """Which deliveries are meant. Raises FieldInvalid: also of each that is none of the webhook's."""
    at_ms = now_ms()
    if wrong := faults_of_replay(body, at_ms):
        raise FieldInvalid(*wrong)
    if body.filter is not None:
        return matching_of(body.filter, at_ms)
    ids = list(dict.fromkeys(body.deliveries or ()))
    there = found(site.services, call.caller.owner, ids, webhook)
    missing = [
        Wrong(field=f"deliveries.{number}", code=Code.NOT_A_CHOICE, message="is no delivery of this webhook")
        for number, each in enumerate(body.deliveries or ())
        if each not in there
    ]
    if missing:
        raise FieldInvalid(*missing[:_MOST_TOLD])
    return Chosen(spots=tuple(there[each].spot for each in ids))


def _resendable(site: Site, call: Call, id_: str, webhook: str | None, *, again: bool) -> Found:
    """The delivery. Raises Refusal: 404, 409, 410; WebhookUnknown."""
    owner = call.caller.owner
    one = found(site.services, owner, [id_], webhook).get(id_)
    if one is None:
        raise not_found("there is no such delivery: list the deliveries to see which there are")
    subscription = site.services.plane.webhooks.get(owner, one.webhook)
    if (refusal := of_status(subscription.status)) is not None:
        raise refusal
    if one.left_out:
        raise gone()
    if one.ended is Ended.DELIVERED and not again:
        raise conflict(Hindrance.ALREADY_DELIVERED)
    return one


def _made_before(site: Site, call: Call) -> Known | None:
    """The job that an earlier try of this request asked for: then nothing of the request is looked at again."""
    if call.work is None:
        return None
    try:
        return site.services.jobs.get(call.caller.owner, asked_id(call.work.name, secrets.token_bytes))
    except JobUnknown:
        return None


def _asked_for(site: Site, call: Call, wanted: _Wanted) -> Known:
    """The job. Raises Refusal: 409, it was refused; NobodyRuns, KafkaBroken."""
    services, body, at_ms = site.services, wanted.body, now_ms()
    counts_only = not isinstance(body, Resend) and body.dry_run
    asked = Asked(
        id=asked_id(None if call.work is None else call.work.name, secrets.token_bytes),
        owner=call.caller.owner,
        webhook=wanted.webhook,
        kind=wanted.kind,
        subject=wanted.subject,
        again=body.again,
        rate_per_s=USUAL_PER_S if isinstance(body, Resend) else body.rate_per_s,
        most=services.plane.settings.max_replays,
        place=body.position if isinstance(body, Replay) else Place.BEFORE,
        created_by=call.caller.name,
        created_at_ms=at_ms,
        wish=Wish.COUNT if counts_only else Wish.RUN,
    )
    known = services.jobs.ask(asked)
    if known.job.state is State.REFUSED:
        raise of_refused(known)
    return known


def _waited(site: Site, known: Known) -> Known:
    """The job of one, ended if it ends soon. One that paused itself is taken back: it is not to come later."""
    jobs, known = site.services.jobs, awaited(site.services.jobs, known, PATIENCE_S)
    if known.job.state is not State.PAUSED:
        return known
    canceled = jobs.wish(known.asked.owner, known.asked.id, Wish.CANCEL)
    return known if canceled.job.state is State.CANCELED else canceled


def _accepted(site: Site, known: Known) -> Response:
    return answers.response(answers.one(site.brand, job_told(site, known), status=HTTPStatus.ACCEPTED))
