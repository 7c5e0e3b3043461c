"""What stands in front of every brand's app.

The law: nothing of a request is looked at by a route before its caller is known, and no answer leaves without the
headers that keep it private and a line in the log.

    request ─► probes, pages, OpenAPI ─► key ─► barrier ─► caller ─► rate ─► room ─► body ─► the brand's app
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Receive, Scope, Send

from consumer.api import caller as callers
from consumer.api.brand_apps import BrandApps
from consumer.api.call import Call, put
from consumer.api.caller import Caller
from consumer.api.exchange import Exchange
from consumer.api.freshness import Freshness
from consumer.api.incoming import hides_a_slash, whole_body
from consumer.api.probes import Probes
from consumer.api.problem import Refusal, unavailable
from consumer.api.rate import RateLimit
from consumer.api.reading import DOCS, OPENAPI, POLICY, docs_page, first_page
from consumer.api.refusals import bug, busy, ended, no_route
from consumer.api.services import Services
from consumer.brands.brand import Brand
from consumer.kafka.client import KafkaBroken
from consumer.shares import Busy, Shares
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("api")

REQUESTS: Final = 1_000
REQUESTS_OF_A_TENANT: Final = 20
"""Of the threads that routes run in (`server.THREADS`), one tenant's slow requests take no more than these."""

_WITH_BODY: Final = frozenset({"POST", "PATCH", "PUT"})


def requests() -> Shares:
    """The requests under way in a process."""
    return Shares("requests", places=REQUESTS, share=REQUESTS_OF_A_TENANT)


class Front:
    """The ASGI application of one process."""

    def __init__(
        self,
        services: Services,
        apps: BrandApps,
        brands: Mapping[str, Brand],
        *,
        room: Shares | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`room` is for requests that others answer too."""
        self.apps = apps
        self._services = services
        self._brands = brands
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._freshness = Freshness(services.plane.fresh)
        self._probes = Probes(services.plane, self._freshness)
        self._rate = RateLimit(services.plane.settings.api_requests_per_s)
        self._room = requests() if room is None else room
        self._away = Outage(_log, "requests not answered: kafka away")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, send, _log, self._monotonic_s)
        try:
            await self._answer(scope, receive, exchange)
        except Refusal as refusal:
            await refusal.answer(exchange.id)(scope, receive, exchange.send)
        except asyncio.CancelledError:  # the process ends, and has waited for this request for as long as it may
            if not exchange.begun:
                await ended().answer(exchange.id)(scope, receive, exchange.send)
        except Exception:  # noqa: BLE001 # the outermost frame: whatever came this far is a bug of ours
            _log.exception("bug", method=scope["method"], route=exchange.route)
            if not exchange.begun:
                await bug(exchange.id)(scope, receive, exchange.send)
        finally:
            exchange.end()

    async def _answer(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        public = await self._public(scope)
        if public is not None:
            exchange.quiet = True
            if isinstance(public, HTMLResponse):
                exchange.headers.update(POLICY)
            await public(scope, receive, exchange.send)
            return
        headers = Headers(scope=scope)
        caller = await self._caller(headers)
        exchange.caller = caller
        if caller.key_id is not None:
            self._services.uses.used(caller.key_id, self._now_ms())
            verdict = self._rate.take(caller.key_id, self._monotonic_s())
            exchange.headers.update(verdict.headers)
            if not verdict.allowed:
                raise Refusal(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    f"this key may make {verdict.limit_per_s} requests a second: slow down",
                )
        try:
            exchange.leave = self._room.enter(caller.owner.tenant)
        except Busy as error:
            raise busy(error) from None
        if hides_a_slash(scope):
            raise no_route(self._brands[caller.owner.brand])
        body = await whole_body(headers, receive)
        if body and scope["method"] in _WITH_BODY and not _is_json(", ".join(headers.getlist("content-type"))):
            message = "send the body as JSON, with Content-Type: application/json"
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
        self._still(caller)
        services = self._services
        call = Call(
            caller=caller,
            method=scope["method"],
            path=scope["path"],
            body=body,
            once=services.once,
            audit=services.audit,
            request_id=exchange.id,
        )
        put(scope, call)
        app = await self.apps.get_soon(caller.owner.brand)
        await app(scope, _again(body, receive), exchange.send)

    def _still(self, caller: Caller) -> None:
        """A key that ended while its body was on its way opens nothing. Raises Refusal: 401."""
        if caller.key_id is None:
            return
        key = self._services.plane.keys.get(caller.key_id)
        if key is None or not key.holds(self._now_ms()):
            raise callers.unauthorized()

    async def _public(self, scope: Scope) -> Response | None:
        """What is answered to anybody."""
        if scope["method"] not in {"GET", "HEAD"} or hides_a_slash(scope):
            return None
        answer: Response | None = None
        match scope["path"].split("/"):
            case ["", "livez"]:
                answer = self._probes.alive()
            case ["", "readyz"]:
                answer = await self._probes.ready()
            case ["", ""]:
                answer = first_page(docs=callers.DEFAULT_BRAND in self.apps)
            case ["", form]:
                answer = await self._described(callers.DEFAULT_BRAND, form, at="")
            case ["", "brands", name, form]:
                answer = await self._described(name, form, at=f"/brands/{name}")
        return answer

    async def _described(self, name: str, form: str, *, at: str) -> Response | None:
        """A brand's API, as it is below `at`. The document is half a second's work, the first time it is asked for."""
        if form not in {DOCS, OPENAPI} or name not in self.apps:
            return None
        app = await self.apps.get_soon(name)
        document = await run_in_threadpool(app.openapi)
        if form == DOCS:
            return docs_page(document, key_prefix=self._brands[name].key_prefix, openapi=f"{at}/{OPENAPI}")
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def _caller(self, headers: Headers) -> Caller:
        presented = callers.presented(self._services.plane.settings, headers)
        try:
            await self._freshness.wait()
        except KafkaBroken as error:
            self._away.met(error=str(error))
            raise unavailable("our storage does not answer: nothing was done, try again") from None
        self._away.over()
        if presented.operator:
            return callers.acting_operator(headers, self._brands, presented.text)
        caller = callers.customer(self._services.plane.keys, presented.text, self._now_ms())
        if caller.owner.brand not in self.apps:
            raise callers.unauthorized()  # of a brand that is not here any more
        callers.check_named(caller, headers)
        return caller


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _again(body: bytes, receive: Receive) -> Receive:
    """The body, to be read once more."""
    told = False

    async def read() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return read
