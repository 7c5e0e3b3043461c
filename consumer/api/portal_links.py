"""The route by which a company's server opens the pages for one of its customers.

The law: a link gives no scope that its maker does not hold, and is shown by the answer that made it and by no other.
"""

import re
import secrets
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from fastapi import Response
from pydantic import Field

from consumer.api import answers
from consumer.api.call import needs
from consumer.api.documents import problems
from consumer.api.model import Asked, Chosen, Time, Told
from consumer.api.moments import now_ms
from consumer.api.problem import Refusal, not_found
from consumer.api.site import Asking, Site
from consumer.control.keys import Scope, check_scopes, usual_scopes
from consumer.control.portal_link_ids import LONGEST_MS
from consumer.control.portal_links import (
    LANGUAGES,
    TEXT_MOST,
    Grant,
    PortalLinks,
    Theme,
    base_of,
    beyond,
    url_of,
)
from consumer.json import Json
from consumer.settings import Settings
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.fields import check_line, check_name
from consumer.webhooks.wrong import Code, Faults, invalid

_PAGE: Final = re.compile(r"(/[A-Za-z0-9][A-Za-z0-9._~-]*)+")
_PAGE_MOST: Final = 256
_URL_MOST: Final = 1_024
_ORIGINS_MOST: Final = 10


class PortalLinkCreate(Asked):
    """What the link opens."""

    scopes: Annotated[
        list[Annotated[Scope, Chosen]] | None,
        Field(description="What may be done. Default: all but admin, as far as its maker has them."),
    ] = None
    expires_in: Annotated[
        int, Field(ge=60, le=LONGEST_MS // 1_000, description="Seconds until what it opened ends.")
    ] = 3_600
    open_within: Annotated[int, Field(ge=10, le=86_400, description="Seconds in which it may be opened, once.")] = 600
    product: Annotated[str | None, Field(description="Show this product's webhooks only; null: all.")] = None
    embed_origins: Annotated[
        list[str],
        Field(
            default_factory=list,
            max_length=_ORIGINS_MOST,
            description="Origins of pages that show it in a frame. Those must be known here.",
            examples=[[]],
        ),
    ]
    page: Annotated[str, Field(max_length=_PAGE_MOST, description="Where it begins, as in /webhooks.")] = "/webhooks"
    theme: Theme = "auto"
    language: Annotated[str | None, Field(description="Of the pages: de or en; null: the browser's choice.")] = None
    return_url: Annotated[
        str | None,
        Field(
            max_length=_URL_MOST,
            description="Where its user came from, https; shown when it has ended. Where {path} stands in it, a page's "
            "path is put in by who copies the page's address.",
        ),
    ] = None
    user: Annotated[str, Field(description="Who uses it, for people.")] = ""


class PortalLink(Told):
    """A link that opens the pages, once."""

    id: str
    object: Literal["portal_link"]
    url: Annotated[str, Field(description="To redirect to, or to show in a frame. A secret until it is opened.")]
    open_until: Time
    expires_at: Time


def add_portal_links(site: Site) -> None:
    """Add it beside the brand's webhooks."""
    settings = site.services.plane.settings
    links = PortalLinks(site.services.plane.keyring)

    @site.app.post(
        site.prefix + "/portal-links",
        operation_id="createPortalLink",
        summary="Open the pages for your customer: a link that works once",
        description="Make one when your customer asks for the page, and redirect to it. Whatever it opened ends with "
        "the key that made it.",
        tags=["portal"],
        status_code=HTTPStatus.CREATED,
        response_model=site.shapes.one(PortalLink),
        responses=problems(404, 409, 422),
        openapi_extra=needs(Scope.ADMIN),
    )
    def create_portal_link(call: Asking, body: PortalLinkCreate | None = None) -> Response:
        base = base_of(settings)
        if base is None:
            raise not_found("there are no pages here: ask whoever runs this API for them")
        caller = call.caller
        asked = PortalLinkCreate.model_validate({}) if body is None else body
        scopes = usual_scopes(caller.scopes) if asked.scopes is None else frozenset(asked.scopes)
        _check(asked, scopes, settings)
        if missing := scopes - caller.scopes:
            held = f"a link gives only scopes that its key has: leave out {', '.join(sorted(missing))}"
            raise Refusal(HTTPStatus.FORBIDDEN, held)
        grant = Grant(
            tenant=caller.owner.tenant,
            brand=caller.owner.brand,
            scopes=scopes,
            key_id=caller.key_id,
            product=asked.product,
            embed_origins=tuple(asked.embed_origins),
            theme=asked.theme,
            language=asked.language,
            return_url=asked.return_url,
            user=asked.user,
        )
        link = links.new(
            grant,
            page=asked.page,
            open_within_ms=asked.open_within * 1_000,
            expires_in_ms=asked.expires_in * 1_000,
            now_ms=now_ms(),
            entropy=secrets.token_bytes if call.work is None else call.work.entropy(),
        )
        text = links.write(link)
        if len(text) > TEXT_MOST:
            raise invalid("returnUrl", Code.TOO_LONG, "is too long together with the other fields: shorten it")
        told: Json = {
            "id": link.id,
            "object": "portal_link",
            "url": url_of(base, text),
            "openUntil": rfc3339(link.open_until_ms),
            "expiresAt": rfc3339(link.expires_at_ms),
        }
        return answers.response(answers.one(site.brand, told, status=HTTPStatus.CREATED))


def _check(asked: PortalLinkCreate, scopes: frozenset[Scope], settings: Settings) -> None:
    """Raises FieldInvalid: every field that cannot be."""
    faults = Faults()
    faults.looked(lambda: check_scopes(scopes))
    faults.looked(lambda: check_line("user", asked.user))
    if asked.product is not None:
        faults.looked(partial(check_name, "product", asked.product))
    if not _PAGE.fullmatch(asked.page):
        faults.add(*invalid("page", Code.MALFORMED, "must be a path of the pages, as in /webhooks").wrong)
    if asked.language is not None and asked.language not in LANGUAGES:
        faults.add(*invalid("language", Code.NOT_A_CHOICE, f"choose from {', '.join(LANGUAGES)}").wrong)
    for each in beyond(asked.embed_origins, settings):
        message = f"{each[:60]!a} may not show the pages in a frame: ask whoever runs this API to allow it"
        faults.add(*invalid("embed_origins", Code.NOT_A_CHOICE, message).wrong)
    if asked.return_url is not None:
        faults.looked(partial(_check_return_url, asked.return_url))
    faults.tell()


def _check_return_url(url: str) -> None:
    """An address that a page may link to: it can be no script."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "https" and bool(parts.hostname) and not set("@{}") & set(parts.netloc)
    except ValueError:
        fine = False
    if not fine or not url.isascii() or not url.isprintable() or " " in url:
        raise invalid(
            "return_url", Code.MALFORMED, "must be an https URL in ASCII, as in https://app.example.com/hooks"
        )
