"""Pages that say why there is no page.

The law: every refusal of the rooms below becomes a page here, in words for whoever looks at it; what is another
tenant's is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import HTMLResponse, Response

from consumer.api.problem import Refusal
from consumer.api.refusals import refusal_of as refusal_of_the_api
from consumer.brands.brand import Brand
from consumer.control.portal_links import Session
from consumer.jobs.desk import NobodyRuns
from consumer.kafka.picking import NotKept
from consumer.portal.answering import back_to
from consumer.portal.answering import page as page_of
from consumer.portal.cookies import Look
from consumer.portal.dress import Dress, dress
from consumer.portal.rendering import Back, render
from consumer.portal.times import span
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.webhooks.cache import CacheUnavailable

_KEYS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "refused.form",
    HTTPStatus.UNAUTHORIZED: "refused.timed_out",
    HTTPStatus.FORBIDDEN: "refused.forbidden",
    HTTPStatus.NOT_FOUND: "refused.nothing",
    HTTPStatus.METHOD_NOT_ALLOWED: "refused.nothing",
    HTTPStatus.REQUEST_TIMEOUT: "refused.form",
    HTTPStatus.CONFLICT: "refused.conflict",
    HTTPStatus.GONE: "refused.gone",
    HTTPStatus.PRECONDITION_FAILED: "refused.conflict",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "refused.form",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "refused.form",
    HTTPStatus.UNPROCESSABLE_ENTITY: "refused.address",
    HTTPStatus.TOO_MANY_REQUESTS: "refused.slow_down",
    HTTPStatus.SERVICE_UNAVAILABLE: "refused.away",
}
_BUG: Final = "refused.bug"


class LogAway(Refusal):
    """The delivery log cannot be read; everything else can."""


class NobodySends(Refusal):
    """Nobody sends again at the moment; everything else is done."""


class NoLongerKept(Refusal):
    """Its record is older than the log keeps records."""


_OWN_KEYS: Final[Mapping[type[Refusal], str]] = {LogAway: "refused.log_away", NobodySends: "refused.nobody_sends"}
_AGAIN: Final = {
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What may be otherwise in a moment."""
_DETAILED: Final = {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """`key` are the words; `detail` says more, in the words of the room that refused.

    `again` is None where the same would be answered again. `log_url`: of what is no longer kept the log knows more.
    """

    key: str
    detail: str
    request_id: str
    again: str | None
    log_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A page without a session: nobody is known, or nobody any more."""

    key: str
    brand: str
    dress: Dress | None
    support_url: str | None
    theme: str
    back: Back | None
    embed: str
    request_id: str


def refusal_of(error: Exception, brand: Brand) -> Refusal:
    """What a refusal of a room below stands for. Raises the error again where it stands for nothing: a bug."""
    if isinstance(error, CacheUnavailable):
        return LogAway(HTTPStatus.SERVICE_UNAVAILABLE, "")
    if isinstance(error, NotKept):
        return NoLongerKept(HTTPStatus.GONE, "")
    if isinstance(error, NobodyRuns):
        return NobodySends(HTTPStatus.SERVICE_UNAVAILABLE, "")
    try:
        return refusal_of_the_api(error, brand)
    except AssertionError:
        raise error from None


def page(visit: Visit, refusal: Refusal) -> Response:
    """On a page of the session."""
    key = _OWN_KEYS.get(type(refusal)) or _KEYS.get(refusal.status, _BUG)
    detail = refusal.detail if refusal.status in _DETAILED else ""
    kept_ms = visit.services.attempts_kept_ms() if isinstance(refusal, NoLongerKept) else None
    if kept_ms is not None:
        detail = words().say("refused.gone.kept", span=span(kept_ms, rough=True))
    if refusal.code is not None:
        key, detail = "refused.hindered", words().say(f"hindered.{refusal.code}")
    view = Refused(
        key=key,
        detail=detail,
        request_id=visit.request_id,
        again=visit.url(visit.path, list(visit.query.pairs)) if refusal.status in _AGAIN else None,
        log_url=visit.url("log") if refusal.status == HTTPStatus.GONE else None,
    )
    answer = page_of(visit, "refused.html", view, title=words().say(f"{key}.title"), status=refusal.status)
    answer.headers.update(refusal.headers)
    return answer


def plain(
    status: HTTPStatus, *, headers: Mapping[str, str] | None = None, key: str | None = None, request_id: str = ""
) -> Response:
    """Without a session."""
    view = Plain(
        key=key or _KEYS.get(status, _BUG),
        brand="",
        dress=None,
        support_url=None,
        theme="auto",
        back=None,
        embed="",
        request_id=request_id,
    )
    return _plain(view, status, headers)


def timed_out(ended: Session | None, brands: Mapping[str, Brand], look: Look) -> Response:
    """Of a session that has ended, or that this browser has no key of."""
    grant = None if ended is None else ended.grant
    brand = None if grant is None else brands.get(grant.brand)
    look_of_brand = None if brand is None else brand.look
    view = Plain(
        key="refused.timed_out",
        brand="" if look_of_brand is None else look_of_brand.title,
        dress=None if look_of_brand is None else dress(look_of_brand),
        support_url=None if look_of_brand is None else look_of_brand.support_url,
        theme=look.theme or ("auto" if grant is None else grant.theme),
        back=None if grant is None else back_to(grant.return_url),
        embed="" if grant is None else " ".join(grant.embed_origins),
        request_id="",
    )
    return _plain(view, HTTPStatus.UNAUTHORIZED, None)


def _plain(view: Plain, status: HTTPStatus, headers: Mapping[str, str] | None) -> Response:
    html = render("plain.html", view=view, title=words().say(f"{view.key}.title"))
    return HTMLResponse(html, status_code=status, headers=dict(headers or {}))
