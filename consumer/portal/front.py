"""What stands before every page.

The law: no page is made before its session is known, nothing is done that was not sent by a form of that session's own
pages, and no answer leaves without the headers that keep it private and a line in the log.

    request ─► asset, enter ─► barrier ─► session ─► rate ─► room ─► form: same origin, token ─► scope ─► the page
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from consumer.api.exchange import Exchange
from consumer.api.freshness import Freshness
from consumer.api.front import requests
from consumer.api.incoming import hides_a_slash, whole_body
from consumer.api.problem import Refusal, unavailable
from consumer.api.rate import RateLimit
from consumer.api.refusals import busy
from consumer.api.services import Services
from consumer.brands.brand import Brand
from consumer.control.keys import Scope as May
from consumer.control.portal_links import PortalLinks, Session
from consumer.kafka.client import KafkaBroken
from consumer.portal import entering, policy, refused, sessions
from consumer.portal.assets import BASE, assets
from consumer.portal.cookies import Jar, cookies_of
from consumer.portal.doing import done
from consumer.portal.opened import Opened
from consumer.portal.routes import DRAFT, Route, found
from consumer.portal.statistics import Statistics
from consumer.portal.visit import Fields, Visit
from consumer.shares import Busy, Shares
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("portal")

_FORM: Final = "application/x-www-form-urlencoded"
_READ: Final = frozenset({"GET", "HEAD"})


class PortalFront:
    """The ASGI application of the pages. `base` is where browsers reach them."""

    def __init__(
        self,
        services: Services,
        brands: Mapping[str, Brand],
        routes: Sequence[Route],
        *,
        base: str,
        opened: Opened,
        statistics: Statistics,
        room: Shares | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._brands = brands
        self._routes = routes
        self._base = base
        self._statistics = statistics
        self._room = requests() if room is None else room
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._links = PortalLinks(services.plane.keyring)
        self._jar = Jar(base=base)
        self._entrance = entering.Entrance(
            links=self._links, jar=self._jar, opened=opened, keys=services.plane.keys, now_ms=now_ms
        )
        self._rate = RateLimit(services.plane.settings.api_requests_per_s)
        self._freshness = Freshness(services.plane.fresh)
        self._away = Outage(_log, "pages not shown: kafka away")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, send, _log, self._monotonic_s)
        exchange.headers.update(policy.headers(self._services.plane.settings.portal_embed_origins))
        try:
            response = await self._answer(scope, receive, exchange)
            await response(scope, receive, exchange.send)
        except asyncio.CancelledError:  # the process ends, and has waited for this request for as long as it may
            if not exchange.begun:
                await refused.plain(HTTPStatus.SERVICE_UNAVAILABLE)(scope, receive, exchange.send)
        except Exception:  # noqa: BLE001 # the outermost frame: whatever came this far is a bug of ours
            _log.exception("bug", method=scope["method"], route=exchange.route)
            if not exchange.begun:
                failed = refused.plain(HTTPStatus.INTERNAL_SERVER_ERROR, request_id=exchange.id)
                await failed(scope, receive, exchange.send)
        finally:
            exchange.end()

    async def _answer(self, scope: Scope, receive: Receive, exchange: Exchange) -> Response:
        path = scope["path"]
        if path.startswith(BASE):
            exchange.quiet = True
            return _asset(path, exchange)
        try:
            headers = Headers(scope=scope)
            form = await self._form(scope, headers, receive)
            await self._fresh()
            if path == entering.PATH:
                return await run_in_threadpool(self._entrance.answer, headers, Fields.read(_query(scope)), form)
            return await self._page(scope, headers, form, exchange)
        except Refusal as refusal:
            return refused.plain(refusal.status, headers=refusal.headers)

    async def _page(self, scope: Scope, headers: Headers, form: Fields | None, exchange: Exchange) -> Response:
        """A page of a session. Raises Refusal: the request cannot be read."""
        wanted = None if hides_a_slash(scope) else sessions.asked(scope["path"])
        if wanted is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such page")
        now_ms, cookies = self._now_ms(), cookies_of(headers)
        keys = self._services.plane.keys
        known = sessions.known(wanted, cookies, jar=self._jar, links=self._links, keys=keys, now_ms=now_ms)
        framing = known.live or known.ended
        if framing is not None:
            exchange.headers.update(policy.headers(framing.grant.embed_origins))
        if known.live is None or known.live.grant.brand not in self._brands:
            return refused.timed_out(known.ended, self._brands, self._jar.look(cookies), now_ms=now_ms)
        visit = self._visit(scope, headers, form, exchange, known.live, wanted.page)
        exchange.caller = visit.caller
        verdict = self._rate.take(visit.session.id, self._monotonic_s())
        if not verdict.allowed:
            return refused.page(visit, Refusal(HTTPStatus.TOO_MANY_REQUESTS, "", headers=verdict.headers))
        try:
            exchange.leave = self._room.enter(visit.owner.tenant)
            return await run_in_threadpool(self._made, visit, headers, form)
        except Busy as error:
            return refused.page(visit, busy(error))

    def _visit(
        self, scope: Scope, headers: Headers, form: Fields | None, exchange: Exchange, session: Session, page: str
    ) -> Visit:
        route = found(self._routes, page)
        scope["route"] = None if route is None else _Named(f"/portal/s/{{session}}/{route[0].path}")
        return Visit(
            session=session,
            caller=sessions.caller_of(session),
            brand=self._brands[session.grant.brand],
            services=self._services,
            statistics=self._statistics,
            now_ms=self._now_ms(),
            path=page,
            params={} if route is None else route[1],
            query=Fields.read(_query(scope)),
            look=self._jar.look(cookies_of(headers)),
            token=self._links.form_token(session),
            once=secrets.token_hex(16),
            framed=headers.get("sec-fetch-dest") == "iframe" or bool(session.grant.embed_origins),
            request_id=exchange.id,
            form=form or Fields(),
        )

    def _made(self, visit: Visit, headers: Headers, form: Fields | None) -> Response:
        """The page; or why there is none, on a page."""
        try:
            route = found(self._routes, visit.path)
            if route is None:
                raise Refusal(HTTPStatus.NOT_FOUND, "there is no such page")
            if form is None:
                return self._shown(visit, route[0])
            self._check_own(visit, headers)
            if DRAFT in form and route[0].draft is not None:
                visit.caller.need(route[0].do_needs)
                return route[0].draft(visit)
            if route[0].do is None:
                raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "nothing is done here")
            visit.caller.need(route[0].do_needs)
            return done(visit, route[0].do)
        except Exception as error:  # noqa: BLE001 # what stands for no state of the world is raised again
            return refused.page(visit, refused.refusal_of(error, visit.brand))

    @staticmethod
    def _shown(visit: Visit, route: Route) -> Response:
        if route.show is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such page")
        visit.caller.need(May(route.needs))
        return route.show(visit)

    def _check_own(self, visit: Visit, headers: Headers) -> None:
        """Whether a form of this session's own pages was sent. Raises Refusal: 403."""
        if not same_origin(headers, self._base) or not self._links.is_form_token(
            visit.form.get("token"), visit.session
        ):
            raise Refusal(HTTPStatus.FORBIDDEN, "this form was not sent by a page of this session")

    async def _form(self, scope: Scope, headers: Headers, receive: Receive) -> Fields | None:
        """What was posted; None: nothing was. Raises Refusal."""
        if scope["method"] in _READ:
            return None
        if scope["method"] != "POST":
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "", headers={"Allow": "GET, HEAD, POST"})
        body = await whole_body(headers, receive)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "")
        try:
            return Fields.read(body.decode("utf-8", "replace"))
        except ValueError:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "") from None

    async def _fresh(self) -> None:
        try:
            await self._freshness.wait()
        except KafkaBroken as error:
            self._away.met(error=str(error))
            raise unavailable("") from None
        self._away.over()


class _Named:
    """A route, as the log names it."""

    def __init__(self, path: str) -> None:
        self.path = path


def same_origin(headers: Headers, base: str) -> bool:
    """Whether a page of this origin sent it, as browsers say: Sec-Fetch-Site, or Origin where there is none."""
    site = headers.get("sec-fetch-site")
    return site == "same-origin" if site is not None else headers.get("origin") == base


def _query(scope: Scope) -> str:
    return bytes(scope["query_string"])[:8_192].decode("utf-8", "replace")


def _asset(path: str, exchange: Exchange) -> Response:
    asset = assets().find(path)
    if asset is None:
        return refused.plain(HTTPStatus.NOT_FOUND)
    exchange.headers["Cache-Control"] = policy.FOREVER
    return Response(asset.body, media_type=asset.media_type)
