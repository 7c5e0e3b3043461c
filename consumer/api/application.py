"""The API put together, from settings and a control plane to one ASGI application."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from consumer.api import once
from consumer.api.answers import APPLIED, NOTICE, REPLAYED
from consumer.api.brand_app import brand_app
from consumer.api.brand_apps import BrandApps
from consumer.api.exchange import PRIVATE, REQUEST_ID, new_id
from consumer.api.front import Front
from consumer.api.problem import Refusal
from consumer.api.services import Services
from consumer.brands.brand import Brand
from consumer.settings import Settings
from consumer.shares import Shares

_OF_THE_BODY: Final = frozenset({"content-length", "content-type"})
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Not the headers of the operator's key: it has no business in a browser.
_SENT: Final = ("Authorization", "Content-Type", "If-Match", once.HEADER)
_READ: Final = ("ETag", "Retry-After", "RateLimit", "RateLimit-Policy", REPLAYED, APPLIED, REQUEST_ID, NOTICE)


class _Cors(CORSMiddleware):
    """What is not allowed is a problem, as everywhere."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            return response
        refusal = Refusal(
            HTTPStatus(response.status_code),
            "the page's origin, its method or one of its headers is not allowed here: ask whoever runs this API",
            headers={name: value for name, value in response.headers.items() if name not in _OF_THE_BODY},
        )
        request_id = new_id()
        answer = refusal.answer(request_id)
        answer.headers.update({REQUEST_ID: request_id, **PRIVATE})
        return answer


def application(services: Services, brands: Mapping[str, Brand], *, room: Shares | None = None) -> ASGIApp:
    """The application of one process. `room` is for requests that others answer too."""
    return opened(front(services, brands, room=room), services.plane.settings)


def front(services: Services, brands: Mapping[str, Brand], *, room: Shares | None = None) -> Front:
    """An app for each brand, by its name, behind one front."""
    apps = BrandApps(brands, lambda brand: brand_app(brand, services))
    return Front(services, apps, brands, room=room)


def opened(application: ASGIApp, settings: Settings) -> ASGIApp:
    """The application, to pages of those origins too that the settings name. Nobody's cookies are asked for."""
    if not settings.api_cors_origins:
        return application
    return _Cors(
        application,
        allow_origins=settings.api_cors_origins,
        allow_methods=_METHODS,
        allow_headers=_SENT,
        expose_headers=_READ,
        max_age=600,
    )
