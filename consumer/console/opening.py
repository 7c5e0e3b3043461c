"""An operator opens a customer's pages.

The law: it is done with a reason, which is logged before the session begins, and the audit log has it by then. He may
look, and change things only where he asked for that and confirmed it. Bodies and API keys are never shown. The session
ends after half an hour, or when the customer's links are ended (`hookline portal revoke`), as every other one does.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import structlog
from starlette.responses import HTMLResponse, Response

from consumer.api.problem import Refusal, unavailable
from consumer.api.services import Plane
from consumer.brands.brand import Brand
from consumer.console.tenants import is_there
from consumer.control.audit import OPERATOR, Deed, Telling, new_id
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.control.portal_links import Grant, PortalLinks
from consumer.kafka.client import KafkaBroken
from consumer.portal.answering import see
from consumer.portal.cookies import Jar
from consumer.portal.rendering import render
from consumer.portal.visit import SESSIONS, Fields
from consumer.portal.words import words
from consumer.text import is_line

_log = structlog.get_logger("console")

PATH: Final = "/console/open"
FOR_MS: Final = 1_800_000
REASON_MOST: Final = 300
CHANGE: Final = "change"
_LOOK: Final = frozenset({Scope.READ})
_CHANGE: Final = frozenset({Scope.READ, Scope.WRITE, Scope.REPLAY})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenView:
    """The question. `confirm`: whether changes are really to be allowed; `wrong` are messages by field."""

    action: str
    token: str
    tenant: str
    brand: str
    reason: str
    change: bool
    confirm: bool
    wrong: dict[str, str]


def open_url(tenant: str, brand: str) -> str:
    """Where it is asked for."""
    return f"{PATH}?{urlencode([('tenant', tenant), ('brand', brand)])}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Asks, and opens."""

    links: PortalLinks
    jar: Jar
    plane: Plane
    brands: Mapping[str, Brand]
    audit: Telling

    def ask(self, fields: Fields, token: str) -> Response:
        """The question. Raises Refusal: there is no such tenant."""
        owner = self._owner(fields)
        return _page(self._view(owner, fields, token))

    def answer(
        self, fields: Fields, token: str, *, operator: str, client: str | None, cookies: Mapping[str, str], now_ms: int
    ) -> Response:
        """The customer's pages, or one more question. `operator` is the session's id. Raises Refusal."""
        owner = self._owner(fields)
        reason, change = fields.get("reason"), fields.get("access") == CHANGE
        if (key := _wrong(reason)) is not None:
            wrong = {"reason": str(words().say(key, most=REASON_MOST))}
            return _page(self._view(owner, fields, token, wrong=wrong), HTTPStatus.UNPROCESSABLE_ENTITY)
        if change and fields.get("confirmed") != "1":
            return _page(self._view(owner, fields, token, confirm=True))
        grant = Grant(
            tenant=owner.tenant,
            brand=owner.brand,
            scopes=_CHANGE if change else _LOOK,
            key_id=None,
            user=str(words().say("console.user")),
        )
        link = self.links.new(
            grant,
            page="/webhooks",
            open_within_ms=FOR_MS,
            expires_in_ms=FOR_MS,
            now_ms=now_ms,
            entropy=secrets.token_bytes,
        )
        _log.warning(
            "opened as a tenant",
            tenant=owner.tenant,
            brand=owner.brand,
            scopes=sorted(grant.scopes),
            reason=reason,
            link=link.id,
            operator=operator,
            client=client,
        )
        self._tell(owner, link.id, now_ms, change=change)
        session, text = self.links.open(link, now_ms=now_ms, entropy=secrets.token_bytes)
        answer = see(f"{SESSIONS}{session.id}{link.page}")
        for each in self.jar.entered(session, text, cookies, now_ms=now_ms, framed=False):
            answer.headers.append("Set-Cookie", each)
        return answer

    def _tell(self, owner: Owner, link: str, now_ms: int, *, change: bool) -> None:
        deed = Deed(
            id=new_id(),
            at_ms=now_ms,
            tenant=owner.tenant,
            brand=owner.brand,
            by=OPERATOR,
            action="openPages",
            made=link,
            fields=(CHANGE,) if change else (),
        )
        try:
            self.audit.tell(deed)
        except KafkaBroken:
            raise unavailable("the audit log does not take it, so nothing was opened: try again") from None

    def _owner(self, fields: Fields) -> Owner:
        owner = Owner(tenant=fields.raw("tenant"), brand=fields.raw("brand"))
        if owner.brand not in self.brands or not is_there(self.plane, owner):
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such tenant")
        return owner

    def _view(
        self, owner: Owner, fields: Fields, token: str, *, wrong: dict[str, str] | None = None, confirm: bool = False
    ) -> OpenView:
        return OpenView(
            action=PATH,
            token=token,
            tenant=owner.tenant,
            brand=owner.brand,
            reason=fields.get("reason"),
            change=fields.get("access") == CHANGE,
            confirm=confirm,
            wrong=wrong or {},
        )


def _page(view: OpenView, status: HTTPStatus = HTTPStatus.OK) -> Response:
    title = words().say("console.open.confirm" if view.confirm else "console.open.title", tenant=view.tenant)
    return HTMLResponse(render("console_open.html", view=view, title=title), status_code=status)


def _wrong(reason: str) -> str | None:
    """What is wrong with it: it stands in a log, on one line."""
    if not reason:
        return "console.open.no_reason"
    return None if len(reason) <= REASON_MOST and is_line(reason) else "console.open.odd_reason"
