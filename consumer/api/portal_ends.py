"""The routes by which a company's server ends what its links opened.

The law: an end counts from the next request on, and a key ends its own tenant's and brand's links only.
"""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Path, Response

from consumer.api import answers
from consumer.api.call import needs
from consumer.api.documents import problems
from consumer.api.model import Told
from consumer.api.problem import Refusal
from consumer.api.site import Asking, Site
from consumer.control.keys import Scope
from consumer.control.portal_ending import EndsFull, LinkUnknown

LinkId = Annotated[str, Path(description="The link's id.", max_length=256)]


class PortalLinkEnded(Told):
    """A link that opens nothing any more, and whose pages are closed."""

    id: str
    object: Literal["portal_link"]
    ended: Literal[True]


class PortalLinksEnded(Told):
    """All links that were made until now."""

    object: Literal["portal_links"]
    ended: Literal[True]


def add_portal_ends(site: Site) -> None:
    """Add them beside the brand's webhooks."""
    ending = site.services.plane.portal_ending

    @site.app.delete(
        site.prefix + "/portal-links/{id}",
        operation_id="endPortalLink",
        summary="End what a link opened, or would open",
        description="Its pages are closed, from the next request on. To end it again changes nothing.",
        tags=["portal"],
        response_model=site.shapes.one(PortalLinkEnded),
        responses=problems(404, 409, 422),
        openapi_extra=needs(Scope.ADMIN),
    )
    def end_portal_link(call: Asking, id: LinkId) -> Response:  # noqa: A002 # the path's own word
        try:
            ending.end(call.caller.owner, id)
        except LinkUnknown as error:
            raise Refusal(HTTPStatus.NOT_FOUND, str(error)) from None
        except EndsFull as error:
            raise Refusal(HTTPStatus.CONFLICT, str(error)) from None
        return answers.response(answers.one(site.brand, {"id": id, "object": "portal_link", "ended": True}))

    @site.app.delete(
        site.prefix + "/portal-links",
        operation_id="endPortalLinks",
        summary="End whatever all links opened, or would open",
        description="As when somebody leaves, or a link fell into the wrong hands. Links made afterwards work.",
        tags=["portal"],
        response_model=site.shapes.one(PortalLinksEnded),
        responses=problems(422),
        openapi_extra=needs(Scope.ADMIN),
    )
    def end_portal_links(call: Asking) -> Response:
        ending.end_all(call.caller.owner)
        return answers.response(answers.one(site.brand, {"object": "portal_links", "ended": True}))
