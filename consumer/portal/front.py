"""What stands before every page.

The law: no page is made before its session is known, nothing is done that was not sent by a form of that session's own
pages, and no answer leaves without the headers that keep it private and a line in the log.

    request ─► asset, enter ─► barrier ─► session ─► rate ─► room ─► form: same origin, token ─► scope ─► the page
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from consumer.api.exchange import Exchange
from consumer.api.freshness import Freshness
from consumer.api.front import requests
from consumer.api.incoming import hides_a_slash
from consumer.api.problem import Refusal, unavailable
from consumer.api.rate import RateLimit
from consumer.api.refusals import busy
from consumer.api.services import Services
from consumer.brands.brand import Brand
from consumer.control.portal_links import PortalLinks, Session, holds
from consumer.kafka.client import KafkaBroken
from consumer.portal import entering, policy, refused, sessions
from consumer.portal.answering import GO
from consumer.portal.assets import BASE, Asset, assets
from consumer.portal.brand_words import words_of
from consumer.portal.cookies import Jar, cookies_of
from consumer.portal.doing import done
from consumer.portal.dress import BASE as DRESSES
from consumer.portal.dress import wardrobe
from consumer.portal.going import Going
from consumer.portal.incoming import POST, READ, Named, form_of, query_of, same_origin
from consumer.portal.languages import spoken
from consumer.portal.opened import Opened
from consumer.portal.outermost import answered
from consumer.portal.routes import DRAFT, Route, found
from consumer.portal.statistics import Statistics
from consumer.portal.visit import Visit
from consumer.portal.words import language, speaking
from consumer.shares import Busy, Shares
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("portal")

_ACCEPT = "accept-language"


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
        self._wardrobe = wardrobe(each.look for each in brands.values())
        self._base = base
        self._statistics = statistics
        self._room = requests() if room is None else room
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._links = PortalLinks(services.plane.keyring)
        self._jar = Jar(base=base)
        self._entrance = entering.Entrance(
            links=self._links, jar=self._jar, opened=opened, plane=services.plane, now_ms=now_ms
        )
        self._going = Going(
            links=self._links, jar=self._jar, plane=services.plane, routes=routes, brands=brands, now_ms=now_ms
        )
        self._rate = RateLimit(services.plane.settings.api_requests_per_s)
        self._freshness = Freshness(services.plane.fresh)
        self._away = Outage(_log, "pages not shown: kafka away")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, send, _log, self._monotonic_s)
        exchange.headers.update(policy.headers(self._services.plane.settings.portal_embed_origins))
        await answered(scope, receive, exchange, self._answer, _log)

    async def _answer(self, scope: Scope, receive: Receive, exchange: Exchange) -> Response:
        path, headers = scope["path"], Headers(scope=scope)
        if path.startswith((BASE, DRESSES)):
            exchange.quiet = True
            return _asset(assets().find(path) or self._wardrobe.find(path), exchange)
        with speaking(language(spoken(None, headers.get(_ACCEPT)))):  # as long as it is not known who asks
            return await self._page(scope, headers, receive, exchange)

    async def _page(self, scope: Scope, headers: Headers, receive: Receive, exchange: Exchange) -> Response:
        path = scope["path"]
        try:
            if scope["method"] not in {*READ, POST}:
                raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "", headers={"Allow": "GET, HEAD, POST"})  # noqa: TRY301
            await self._fresh()
            if path == GO:
                return await run_in_threadpool(self._going.answer, headers, query_of(scope))
            if path != entering.PATH:
                return await self._of_a_session(scope, headers, receive, exchange)
            exchange.headers["Referrer-Policy"] = policy.ARRIVING
            form = await form_of(scope, headers, receive)
            if form is not None and not same_origin(headers, self._base):
                return refused.plain(HTTPStatus.FORBIDDEN)
            return await run_in_threadpool(self._entrance.answer, headers, query_of(scope), form)
        except Refusal as refusal:
            return refused.plain(refusal.status, headers=refusal.headers)

    async def _of_a_session(self, scope: Scope, headers: Headers, receive: Receive, exchange: Exchange) -> Response:
        """A page of a session. Raises Refusal: the request cannot be read."""
        wanted = None if hides_a_slash(scope) else sessions.asked(scope["path"])
        if wanted is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is no such page")
        cookies, plane = cookies_of(headers), self._services.plane
        known = sessions.known(wanted, cookies, jar=self._jar, links=self._links, plane=plane, now_ms=self._now_ms())
        if (whose := known.live or known.ended) is not None:
            exchange.headers.update(policy.headers(whose.grant.embed_origins))
        if known.live is None or known.live.grant.brand not in self._brands:
            return self._timed_out(known.ended, headers)
        exchange.caller, exchange.by = sessions.caller_of(known.live), known.live.link
        visit = self._visit(scope, headers, session=known.live, page=wanted.page, request_id=exchange.id)
        verdict = self._rate.take(visit.session.id, self._monotonic_s())
        if not verdict.allowed:
            return _refused(visit, Refusal(HTTPStatus.TOO_MANY_REQUESTS, "", headers=verdict.headers))
        try:
            exchange.leave = self._room.enter(visit.owner.tenant)
        except Busy as error:
            return _refused(visit, busy(error))
        form = await form_of(scope, headers, receive)
        if form is None:
            return await run_in_threadpool(self._made, visit, _shown)
        if holds(visit.session, plane.keys, plane.portal_ends, self._now_ms()) is None:  # while the form was on its way
            return self._timed_out(known.live, headers)
        own = same_origin(headers, self._base) and self._links.is_form_token(form.get("token"), visit.session)
        posted = replace(visit, form=form)
        return await run_in_threadpool(self._made, posted, _done if own else _strange)

    def _timed_out(self, ended: Session | None, headers: Headers) -> Response:
        granted = None if ended is None else ended.grant.language
        with speaking(language(spoken(granted, headers.get(_ACCEPT)))):
            return refused.timed_out(ended, self._brands, self._jar.look(cookies_of(headers)))

    def _visit(self, scope: Scope, headers: Headers, *, session: Session, page: str, request_id: str) -> Visit:
        route = found(self._routes, page)
        scope["route"] = None if route is None else Named(f"/portal/s/{{session}}/{route[0].path}")
        return Visit(
            session=session,
            caller=sessions.caller_of(session),
            brand=self._brands[session.grant.brand],
            services=self._services,
            statistics=self._statistics,
            now_ms=self._now_ms(),
            path=page,
            params={} if route is None else route[1],
            query=query_of(scope),
            look=self._jar.look(cookies_of(headers)),
            language=spoken(session.grant.language, headers.get(_ACCEPT)),
            token=self._links.form_token(session),
            once=secrets.token_hex(16),
            framed=bool(session.grant.embed_origins),
            request_id=request_id,
        )

    def _made(self, visit: Visit, make: Callable[[Visit, Route], Response]) -> Response:
        """The page; or why there is none, on a page."""
        with speaking(words_of(visit.brand, visit.language)):
            return self._said(visit, make)

    def _said(self, visit: Visit, make: Callable[[Visit, Route], Response]) -> Response:
        route = found(self._routes, visit.path)
        if route is None:
            return refused.page(visit, Refusal(HTTPStatus.NOT_FOUND, "there is no such page"))
        try:
            return make(visit, route[0])
        except Exception as error:  # noqa: BLE001 # what stands for no state of the world is raised again
            return refused.page(visit, refused.refusal_of(error, visit.brand))

    async def _fresh(self) -> None:
        try:
            await self._freshness.wait()
        except KafkaBroken as error:
            self._away.met(error=str(error))
            raise unavailable("") from None
        self._away.over()


def _refused(visit: Visit, refusal: Refusal) -> Response:
    with speaking(words_of(visit.brand, visit.language)):
        return refused.page(visit, refusal)


def _shown(visit: Visit, route: Route) -> Response:
    if route.show is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "there is no such page")
    visit.caller.need(route.needs)
    return route.show(visit)


def _done(visit: Visit, route: Route) -> Response:
    visit.caller.need(route.needs)  # what is done is answered by a page
    visit.caller.need(route.do_needs)
    if DRAFT in visit.form and route.draft is not None:
        return route.draft(visit)
    if route.do is None:
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "nothing is done here")
    return done(visit, route.do, route.deed)


def _strange(_visit: Visit, _route: Route) -> Response:
    raise Refusal(HTTPStatus.FORBIDDEN, "this form was not sent by a page of this session")


def _asset(asset: Asset | None, exchange: Exchange) -> Response:
    if asset is None:
        return refused.plain(HTTPStatus.NOT_FOUND)
    exchange.headers["Cache-Control"] = policy.FOREVER
    return Response(asset.body, media_type=asset.media_type)
