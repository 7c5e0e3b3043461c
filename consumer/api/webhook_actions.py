"""The routes by which something is done with a webhook: a new secret, a pause, a resumption, a test event."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import msgspec
from fastapi import Response

from consumer.api import answers
from consumer.api.bodies import bodied
from consumer.api.call import needs
from consumer.api.conditions import if_match_of
from consumer.api.documents import problems, written
from consumer.api.site import Asking, Id, IfMatch, Site
from consumer.api.webhook_inputs import SecretRotation, TestEvent, Unblocking
from consumer.api.webhook_models import TestResult
from consumer.api.wishes import own_secret
from consumer.control.keys import Scope
from consumer.control.trial import shown
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wrong import Code, FieldInvalid, Wrong

_TAGS: Final = ["webhooks"]
_DATA_MOST_BYTES: Final = 65_536


def add_webhook_actions(site: Site) -> None:
    """Add them below each webhook."""
    webhooks = site.services.plane.webhooks
    _add_rotate(site)
    _add_status(site, "pause", "Pause a webhook: nothing is delivered until it is resumed", webhooks.pause)
    _add_status(site, "resume", "Resume a webhook that was paused, or suspended by us", webhooks.resume)
    _add_unblock(site)
    _add_test(site)


def _add_rotate(site: Site) -> None:
    services = site.services

    @site.app.post(
        site.base + "/{id}/secret",
        operation_id="rotateWebhookSecret",
        summary="Rotate the secret",
        description="Where the signature has room for both, the old secret goes on signing beside the new one.",
        tags=[*_TAGS],
        response_model=site.webhook,
        responses=problems(404, 409, 412, 422) | written(HTTPStatus.OK, "The webhook, with its new secret."),
        openapi_extra=needs(Scope.WRITE),
    )
    @bodied(site.shapes.rotate | None)
    def rotate_webhook_secret(
        call: Asking,
        id: Id,  # noqa: A002 # the path's own word
        body: SecretRotation | None = None,
        if_match: IfMatch = None,
    ) -> Response:
        seconds = None if body is None else body.overlap_seconds
        rotated, secret = services.plane.webhooks.rotate(
            call.caller.owner,
            id,
            secret=own_secret(body),
            overlap_ms=None if seconds is None else seconds * 1_000,
            if_match=if_match_of(if_match),
            work=call.work,
        )
        return answers.response(site.rotated(rotated, secret))


def _add_status(site: Site, name: str, summary: str, change: Callable[..., Subscription]) -> None:
    @site.app.post(
        f"{site.base}/{{id}}/{name}",
        operation_id=f"{name}Webhook",
        summary=summary,
        tags=[*_TAGS],
        response_model=site.webhook,
        responses=problems(404, 409, 412, 422) | written(HTTPStatus.OK, "The webhook as it is now."),
        openapi_extra=needs(Scope.WRITE),
    )
    def change_status(call: Asking, id: Id, if_match: IfMatch = None) -> Response:  # noqa: A002 # same
        changed = change(call.caller.owner, id, if_match=if_match_of(if_match), work=call.work)
        return answers.response(site.shown(changed, **site.unapplied(id)))


def _add_unblock(site: Site) -> None:
    unblock = site.services.plane.webhooks.unblock

    @site.app.post(
        site.base + "/{id}/unblock",
        operation_id="unblockWebhook",
        summary="Let keys that have stopped go on",
        description="Of a webhook with `ordering` and `onFailure` block. It is done within seconds.",
        tags=[*_TAGS],
        response_model=site.webhook,
        responses=problems(404, 409, 412, 422) | written(HTTPStatus.OK, "The webhook as it is now."),
        openapi_extra=needs(Scope.WRITE),
    )
    def unblock_webhook(
        call: Asking,
        id: Id,  # noqa: A002 # same
        body: Unblocking,
        if_match: IfMatch = None,
    ) -> Response:
        unblocked = unblock(
            call.caller.owner,
            id,
            drop=body.head == "drop",
            delivery_id=body.delivery or "",
            if_match=if_match_of(if_match),
            work=call.work,
        )
        return answers.response(site.shown(unblocked, **site.unapplied(id)))


def _add_test(site: Site) -> None:
    services = site.services

    @site.app.post(
        site.base + "/{id}/test",
        operation_id="testWebhook",
        summary="Send a test event now, and see what the endpoint answers",
        tags=[*_TAGS],
        response_model=site.shapes.one(TestResult),
        responses=problems(404, 409, 422),
        openapi_extra=needs(Scope.WRITE),
    )
    def test_webhook(
        call: Asking,
        id: Id,  # noqa: A002 # same
        body: TestEvent | None = None,
    ) -> Response:
        subscription = services.plane.webhooks.get(call.caller.owner, id)
        event_type = (TestEvent() if body is None else body).type
        trial = services.plane.try_out(subscription, event_type, _data(body))
        return answers.response(answers.one(site.brand, shown(trial)))


def _data(body: TestEvent | None) -> bytes | None:
    """What a test event is to tell, as JSON. Raises FieldInvalid."""
    if body is None or body.data is None:
        return None
    data = msgspec.json.encode(body.data)
    if len(data) > _DATA_MOST_BYTES:
        raise FieldInvalid(Wrong(field="data", code=Code.TOO_LONG, message="may have 64 KiB as JSON"))
    return data
