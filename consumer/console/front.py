"""What stands before the console.

The law: without an operator's key in the settings there is no console. Nothing is told to who has not signed in,
nothing is done that a page of the same session did not send, and no answer may be shown in a frame.

    request ─► session, else sign in ─► form: same origin, token ─► the page
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from consumer.api.exchange import Exchange
from consumer.api.incoming import hides_a_slash
from consumer.api.problem import Refusal
from consumer.api.services import Plane
from consumer.brands.brand import Brand
from consumer.console import opening
from consumer.console.opening import Opening
from consumer.console.page import view_of
from consumer.console.sessions import Guesses, Session, Sessions
from consumer.console.sources import Looks
from consumer.control.audit import Telling
from consumer.control.keys import operator
from consumer.control.portal_links import PortalLinks
from consumer.portal import policy, refused
from consumer.portal.answering import see
from consumer.portal.cookies import Jar, cookies_of
from consumer.portal.incoming import POST, READ, Named, form_of, query_of, same_origin
from consumer.portal.outermost import answered
from consumer.portal.rendering import render
from consumer.portal.visit import Fields
from consumer.portal.words import words

_log = structlog.get_logger("console")

PATH: Final = "/console"
SIGN_IN: Final = "/console/sign-in"
SIGN_OUT: Final = "/console/sign-out"
PAGES: Final = frozenset({PATH, SIGN_IN, SIGN_OUT, opening.PATH})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView:
    """The page. `wrong` is the word of why the last key did not do."""

    action: str
    wrong: str | None


class ConsoleFront:
    """The ASGI application of the console. `base` is where browsers reach it; `looks` are those of its event loop."""

    def __init__(
        self,
        plane: Plane,
        brands: Mapping[str, Brand],
        operator_key: SecretStr,
        looks: Looks,
        audit: Telling,
        *,
        base: str,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plane = plane
        self._looks = looks
        self._base = base
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._sessions = Sessions(plane.keyring, operator_key, base=base)
        self._guesses = Guesses()
        links, jar = PortalLinks(plane.keyring), Jar(base=base)
        self._opening = Opening(links=links, jar=jar, plane=plane, brands=brands, audit=audit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, send, _log, self._monotonic_s)
        exchange.headers.update(policy.headers(()) | {"X-Frame-Options": "DENY"})
        await answered(scope, receive, exchange, self._answer, _log)

    async def _answer(self, scope: Scope, receive: Receive, exchange: Exchange) -> Response:
        path, headers = scope["path"].removesuffix("/"), Headers(scope=scope)
        try:
            if hides_a_slash(scope) or path not in PAGES:
                raise Refusal(HTTPStatus.NOT_FOUND, "there is no such page")  # noqa: TRY301
            scope["route"] = Named(path)
            if scope["method"] not in {*READ, POST}:
                raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "", headers={"Allow": "GET, HEAD, POST"})  # noqa: TRY301
            form = await form_of(scope, headers, receive)
            if form is not None and not same_origin(headers, self._base):
                raise Refusal(HTTPStatus.FORBIDDEN, "this form was not sent by a page of ours")  # noqa: TRY301
            if path == SIGN_IN and form is not None:
                return self._sign_in(form, scope)
            session = self._sessions.of(cookies_of(headers), self._now_ms())
            if session is None:
                return _sign_in_page() if form is None else see(PATH)
            exchange.by = f"console {session.id}"
            if form is None:
                return await self._shown(path, query_of(scope), session)
            return await self._done(path, form, session, scope, headers)
        except Refusal as refusal:
            return refused.plain(refusal.status, headers=refusal.headers)

    # ── signing in and out ───────────────────────────────────────────────────────────────────────────────────────

    def _sign_in(self, form: Fields, scope: Scope) -> Response:
        client = (scope.get("client") or (None,))[0]
        wait_s = self._guesses.wait_s(self._monotonic_s())
        if wait_s:
            return _sign_in_page(HTTPStatus.TOO_MANY_REQUESTS, "console.too_many", {"Retry-After": str(wait_s)})
        if not operator(self._plane.settings, form.get("key")):
            self._guesses.wrong(self._monotonic_s())
            _log.warning("a wrong operator key", client=client)
            return _sign_in_page(HTTPStatus.FORBIDDEN, "console.wrong")
        session, cookie = self._sessions.open(now_ms=self._now_ms(), entropy=secrets.token_bytes)
        _log.info("signed in", operator=session.id, client=client)
        answer = see(PATH)
        answer.headers.append("Set-Cookie", cookie)
        return answer

    def _sign_out(self, session: Session) -> Response:
        _log.info("signed out", operator=session.id)
        answer = see(PATH)
        answer.headers.append("Set-Cookie", self._sessions.closed())
        return answer

    # ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _shown(self, path: str, query: Fields, session: Session) -> Response:
        token = self._sessions.token(session)
        if path == opening.PATH:
            return await run_in_threadpool(self._opening.ask, query, token)
        if path != PATH:
            return see(PATH)
        seen = await self._looks.seen(query.get("tenant"))
        settings, now_ms = self._plane.settings, self._now_ms()

        def made() -> Response:
            view = view_of(seen, settings, token=token, now_ms=now_ms)
            return HTMLResponse(render("console.html", view=view, title=words().say("console.title")))

        return await run_in_threadpool(made)

    async def _done(self, path: str, form: Fields, session: Session, scope: Scope, headers: Headers) -> Response:
        if not self._sessions.is_token(form.get("token"), session):
            raise Refusal(HTTPStatus.FORBIDDEN, "this form was not sent by a page of this session")
        if path == SIGN_OUT:
            return self._sign_out(session)
        if path != opening.PATH:
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "nothing is done here")
        answer = partial(
            self._opening.answer,
            operator=session.id,
            client=(scope.get("client") or (None,))[0],
            cookies=cookies_of(headers),
            now_ms=self._now_ms(),
        )
        return await run_in_threadpool(answer, form, self._sessions.token(session))


def _sign_in_page(
    status: HTTPStatus = HTTPStatus.OK, wrong: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    view = SignInView(action=SIGN_IN, wrong=wrong)
    html = render("console_sign_in.html", view=view, title=words().say("console.operator"))
    return HTMLResponse(html, status_code=status, headers=dict(headers or {}))
