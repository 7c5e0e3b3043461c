"""The routes of a webhook by the name that its customer gave it: looked at, and made as the request says."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Path, Response
from pydantic import BaseModel

from consumer.api import answers
from consumer.api.answers import CLEARED, NOTICE
from consumer.api.bodies import bodied
from consumer.api.call import Call, needs
from consumer.api.conditions import if_match_of
from consumer.api.creation_test import created
from consumer.api.documents import problems, tagged, written
from consumer.api.meanings import Meaning
from consumer.api.site import Asking, IfMatch, Site
from consumer.api.webhook_inputs import WebhookPut
from consumer.api.wishes import wishes_of
from consumer.control.by_uid import put
from consumer.control.keys import Scope
from consumer.webhooks.labels import check_uid, id_of
from consumer.webhooks.wrong import Faults, Wrong

Uid = Annotated[str, Path(description="The webhook's uid: what you call it.", max_length=256)]
_NEW: Final = "The new webhook, with its secret."
_TAGS: Final = ["webhooks"]


def add_webhooks_by_uid(site: Site) -> None:
    """Add them below the brand's base path."""
    _add_get(site)
    if site.brand.api.editable:
        _add_put(site)


def _add_get(site: Site) -> None:
    webhooks = site.services.plane.webhooks

    @site.app.get(
        site.base + "/by-uid/{uid}",
        operation_id="getWebhookByUid",
        summary="Get a webhook by its uid",
        tags=[*_TAGS],
        response_model=site.webhook,
        responses=problems(404, 422) | tagged(HTTPStatus.OK, "The webhook."),
        openapi_extra=needs(Scope.READ),
    )
    def get_webhook_by_uid(call: Asking, uid: Uid) -> Response:
        owner = call.caller.owner
        return answers.response(site.shown(webhooks.get(owner, id_of(owner.tenant, owner.brand, uid))))


def _add_put(site: Site) -> None:
    services = site.services
    plane = services.plane

    def wrong_with(body: BaseModel, call: Call, parameters: Mapping[str, str]) -> Sequence[Wrong]:
        assert isinstance(body, WebhookPut)
        faults, owner = Faults(), call.caller.owner
        wishes = wishes_of(body, owner, faults, uid=parameters["uid"])
        faults.looked(lambda: plane.webhooks.check(owner, wishes))
        return faults.found

    site.meanings["putWebhook"] = Meaning(model=site.shapes.put, wrong_with=wrong_with)

    @site.app.put(
        site.base + "/by-uid/{uid}",
        operation_id="putWebhook",
        summary="Create a webhook of this uid, or change the one there is",
        description="Afterwards it is as the body says: what is left out is as a new webhook has it. Only its status "
        "stays where none is given, and its secret. Sent again, it changes nothing more. A new webhook is answered "
        "with 201 and its secret.",
        tags=[*_TAGS],
        response_model=site.webhook,
        responses=problems(409, 412, 422)
        | written(HTTPStatus.OK, "The webhook as it is now.")
        | {HTTPStatus.CREATED: {"model": site.webhook} | written(HTTPStatus.CREATED, _NEW)[HTTPStatus.CREATED]},
        openapi_extra=needs(Scope.WRITE),
    )
    @bodied(site.shapes.put)
    def put_webhook(call: Asking, uid: Uid, body: WebhookPut, if_match: IfMatch = None) -> Response:
        owner, revisions, faults = call.caller.owner, if_match_of(if_match), Faults()
        faults.looked(lambda: check_uid(uid))
        wishes = wishes_of(body, owner, faults, uid=uid)
        faults.looked(lambda: services.check_url(body.url, owner.tenant))
        faults.looked(lambda: plane.webhooks.check(owner, wishes))
        faults.tell()
        made = put(plane.webhooks, plane.keyring, site.brand, wishes, if_match=revisions, work=call.work)
        if made.secret is None:
            notice = {NOTICE: CLEARED} if made.cleared_headers else {}
            return answers.response(site.shown(made.subscription, **notice, **site.unapplied(made.subscription.id)))
        return created(site, made.subscription, made.secret)
