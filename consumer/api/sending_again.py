"""The routes by which something is sent again: one delivery, deliveries of a webhook, and what a webhook missed.

The law: each asks for a job, and sends nothing by itself (`job_asking.py`).
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel
from starlette.responses import Response

from consumer.api import answers
from consumer.api.call import Call, needs
from consumer.api.chosen_deliveries import found
from consumer.api.deliveries import DeliveryId, OfWebhook
from consumer.api.documents import problems
from consumer.api.job_asking import JobAsker, Wanted
from consumer.api.job_models import Job as JobModel
from consumer.api.job_models import Recovery, Replay, Resend
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
from consumer.api.log_pages import sight
from consumer.api.meanings import Meaning
from consumer.api.moments import now_ms
from consumer.api.resend_now import resent_now
from consumer.api.site import Asking, Id, Site
from consumer.control.keys import Scope
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Chosen, Kind, Missed, Subject
from consumer.log.resource import attempt_detail
from consumer.webhooks.wrong import Code, FieldInvalid, Wrong, invalid

_MOST_TOLD: Final = 20


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
        asker = _asker(site, call)
        known = asker.made_before()
        if known is None:
            wanted = Wanted(
                webhook=id,
                kind=Kind.REPLAY,
                subject=_replayed(site, call, id, body),
                again=body.again,
                rate_per_s=body.rate_per_s,
                counts_only=body.dry_run,
                place=body.position,
            )
            known = asker.ask(wanted)
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
        asker = _asker(site, call)
        known = asker.made_before()
        if known is None:
            subject = missed_of(body, now_ms())
            _check_kept(asker, subject)
            wanted = Wanted(
                webhook=id,
                kind=Kind.RECOVER,
                subject=subject,
                again=body.again,
                rate_per_s=body.rate_per_s,
                counts_only=body.dry_run,
            )
            known = asker.ask(wanted)
        return _accepted(site, known)


def _check_kept(asker: JobAsker, subject: Missed) -> None:
    """Raises FieldInvalid: events of its time were there, and are not kept."""
    kept_ms = asker.kept_since_ms(subject.since_ms)
    if kept_ms is not None:
        raise invalid("since", Code.OUT_OF_RANGE, not_kept(kept_ms))


def _add_resend(site: Site) -> None:
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
            kept = resent_now(site.services, call.caller.owner, id, webhook, again=asked.again)
            return answers.response(answers.one(site.brand, attempt_detail(kept, sight(site, call))))
        return _accepted(site, _asker(site, call).resend(id, webhook, again=asked.again))


def _asker(site: Site, call: Call) -> JobAsker:
    return JobAsker(services=site.services, caller=call.caller, work=call.work)


def _replayed(site: Site, call: Call, webhook: str, body: Replay) -> Subject:
    """Which deliveries are meant. Raises FieldInvalid: also of each that is none of the webhook's."""
    at_ms = now_ms()
    if wrong := faults_of_replay(body, at_ms):
        raise FieldInvalid(*wrong)
    if body.filter is not None:
        return matching_of(body.filter, at_ms)
    ids = list(dict.fromkeys(body.deliveries or ()))
    there = found(site.services, call.caller.owner, ids, frozenset({webhook}))
    missing = [
        Wrong(field=f"deliveries.{number}", code=Code.NOT_A_CHOICE, message="is no delivery of this webhook")
        for number, each in enumerate(body.deliveries or ())
        if each not in there
    ]
    if missing:
        raise FieldInvalid(*missing[:_MOST_TOLD])
    return Chosen(spots=tuple(there[each].spot for each in ids))


def _accepted(site: Site, known: AskedJob) -> Response:
    return answers.response(answers.one(site.brand, job_told(site, known), status=HTTPStatus.ACCEPTED))
