"""The routes by which webhooks are created, looked at, changed and deleted.

The law: what is answered is so. A write is on its topic and in this process's view of it before its answer leaves, so
whoever reads next, anywhere, sees it.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from fastapi import Response
from pydantic import BaseModel

from consumer.api import answers
from consumer.api.answers import CLEARED, NOTICE
from consumer.api.bodies import bodied, queried
from consumer.api.call import Call, needs
from consumer.api.conditions import if_match_of
from consumer.api.creation_test import created
from consumer.api.documents import problems, tagged, written
from consumer.api.meanings import Meaning
from consumer.api.site import Asking, Id, IfMatch, Site
from consumer.api.webhook_inputs import WebhookCreate, WebhookQuery, WebhookUpdate
from consumer.api.webhook_models import WebhookDeleteResponse
from consumer.api.webhooks_by_uid import add_webhooks_by_uid
from consumer.api.wishes import changes_of, wishes_of
from consumer.control.cursor import list_name
from consumer.control.keys import Scope
from consumer.control.refusal import WebhookUnknown
from consumer.control.resource import as_its_brand_shows_it
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.fields import check_choice
from consumer.webhooks.wrong import Faults, Wrong

_LIST: Final = "webhooks"
_TAGS: Final = ["webhooks"]


def add_webhooks(site: Site) -> None:
    """Add them under the brand's base path."""
    _add_list(site)
    _add_create(site)
    add_webhooks_by_uid(site)
    _add_get(site)
    if site.brand.api.editable:
        _add_update(site)
    _add_delete(site)


def _add_list(site: Site) -> None:
    services, brand = site.services, site.brand

    @site.app.get(
        site.base,
        operation_id="listWebhooks",
        summary="List webhooks, oldest first",
        tags=[*_TAGS],
        description="Where some are chosen a page looks at 2,000 webhooks at most: it may be empty while there is a "
        "nextCursor.",
        response_model=site.shapes.page(site.shapes.webhook),
        responses=problems(422),
        openapi_extra=needs(Scope.READ),
    )
    @queried(site.shapes.query)
    def list_webhooks(call: Asking, asked: WebhookQuery) -> Response:
        owner, chosen = call.caller.owner, _chosen(asked)
        of = list_name(_LIST, chosen)
        cursor = asked.cursor
        after = None if cursor is None else services.cursors.read(cursor, tuple[int, str], owner=owner, of=of)
        found, end = services.plane.webhooks.page(owner, after, asked.limit, chosen)
        healths = services.healths.read([each.id for each in found])
        backlogs = services.backlogs.read([each.id for each in found])
        told = [
            as_its_brand_shows_it(
                each, brand, services.plane.keyring, health=healths.get(each.id), backlog=backlogs.get(each.id)
            )
            for each in found
        ]
        then = None if end is None else services.cursors.write(end, owner=owner, of=of)
        return answers.response(answers.page(brand, [*told], then))


def _chosen(asked: WebhookQuery) -> Chosen:
    """Which are meant. The brand's own model has the type: see `brand_models`. Raises FieldInvalid."""
    event_type = getattr(asked, "event_type", None)
    if event_type is not None:
        check_choice("event_type", event_type)
    return Chosen(status=asked.status, event_type=event_type, product=asked.product, url=asked.url)


def _add_create(site: Site) -> None:
    services = site.services
    plane = services.plane

    def wrong_with(body: BaseModel, call: Call, _parameters: Mapping[str, str]) -> Sequence[Wrong]:
        assert isinstance(body, WebhookCreate)
        faults, owner = Faults(), call.caller.owner
        wishes = wishes_of(body, owner, faults, uid=body.uid)
        faults.looked(lambda: plane.webhooks.check(owner, wishes))
        return faults.found

    site.meanings["createWebhook"] = Meaning(model=site.shapes.create, wrong_with=wrong_with)

    @site.app.post(
        site.base,
        operation_id="createWebhook",
        summary="Create a webhook",
        tags=[*_TAGS],
        status_code=HTTPStatus.CREATED,
        response_model=site.webhook,
        responses=problems(409, 422) | written(HTTPStatus.CREATED, "The webhook, with its secret."),
        openapi_extra=needs(Scope.WRITE),
    )
    @bodied(site.shapes.create)
    def create_webhook(call: Asking, body: WebhookCreate) -> Response:
        owner, faults = call.caller.owner, Faults()
        wishes = wishes_of(body, owner, faults, uid=body.uid)
        faults.looked(lambda: services.check_url(body.url, owner.tenant))
        faults.looked(lambda: plane.webhooks.check(owner, wishes))
        faults.tell()
        subscription, secret = plane.webhooks.create(owner, wishes, work=call.work)
        return created(site, subscription, secret)


def _add_get(site: Site) -> None:
    webhooks = site.services.plane.webhooks

    @site.app.get(
        site.base + "/{id}",
        operation_id="getWebhook",
        summary="Get a webhook",
        tags=[*_TAGS],
        response_model=site.webhook,
        responses=problems(404, 422) | tagged(HTTPStatus.OK, "The webhook."),
        openapi_extra=needs(Scope.READ),
    )
    def get_webhook(call: Asking, id: Id) -> Response:  # noqa: A002 # the path's own word
        return answers.response(site.shown(webhooks.get(call.caller.owner, id)))


def _add_update(site: Site) -> None:
    services = site.services

    def wrong_with(body: BaseModel, call: Call, parameters: Mapping[str, str]) -> Sequence[Wrong]:
        assert isinstance(body, WebhookUpdate)
        faults = Faults()
        changes = changes_of(body, site.brand, faults)
        try:
            faults.looked(lambda: services.plane.webhooks.check_changes(call.caller.owner, parameters["id"], changes))
        except WebhookUnknown:
            return ()  # told when the shape is right
        return faults.found

    site.meanings["updateWebhook"] = Meaning(model=site.shapes.update, wrong_with=wrong_with)

    @site.app.patch(
        site.base + "/{id}",
        operation_id="updateWebhook",
        summary="Change a webhook",
        description="What is not given stays. Lists and headers are replaced whole; a header whose value is [hidden], "
        "as it is shown, keeps the value that it has.",
        tags=[*_TAGS],
        response_model=site.webhook,
        responses=problems(404, 409, 412, 422) | written(HTTPStatus.OK, "The webhook as it is now."),
        openapi_extra=needs(Scope.WRITE),
    )
    @bodied(site.shapes.update)
    def update_webhook(
        call: Asking,
        id: Id,  # noqa: A002 # same
        body: WebhookUpdate,
        if_match: IfMatch = None,
    ) -> Response:
        owner = call.caller.owner
        revisions = if_match_of(if_match)
        if (done := services.plane.webhooks.changed_by(call.work, owner, id)) is not None:
            return answers.response(site.shown(done, **site.unapplied(id)))
        faults, url = Faults(), body.url
        changes = changes_of(body, site.brand, faults)
        services.plane.webhooks.get(owner, id)  # nobody learns of an address by another tenant's id
        if url is not None:
            faults.looked(lambda: services.check_url(url, owner.tenant))
        faults.looked(lambda: services.plane.webhooks.check_changes(owner, id, changes))
        faults.tell()
        updated = services.plane.webhooks.update(owner, id, changes, if_match=revisions, work=call.work)
        notice = {NOTICE: CLEARED} if updated.cleared_headers else {}
        return answers.response(site.shown(updated.subscription, **notice, **site.unapplied(id)))


def _add_delete(site: Site) -> None:
    webhooks = site.services.plane.webhooks

    @site.app.delete(
        site.base + "/{id}",
        operation_id="deleteWebhook",
        summary="Delete a webhook",
        tags=[*_TAGS],
        response_model=site.shapes.one(WebhookDeleteResponse),
        responses=problems(404, 409, 412, 422) | written(HTTPStatus.OK, "It is deleted.", tag=False),
        openapi_extra=needs(Scope.WRITE),
    )
    def delete_webhook(call: Asking, id: Id, if_match: IfMatch = None) -> Response:  # noqa: A002 # same
        webhooks.delete(call.caller.owner, id, if_match=if_match_of(if_match), work=call.work)
        return answers.response(
            answers.one(site.brand, {"id": id, "deleted": True, "object": "webhook"}, headers=site.unapplied(id))
        )
