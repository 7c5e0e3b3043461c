"""The API put together, from settings and a control plane to one ASGI application."""

from collections.abc import Mapping
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from consumer.api import once
from consumer.api.answers import REPLAYED
from consumer.api.brand_app import brand_app
from consumer.api.exchange import REQUEST_ID
from consumer.api.front import Front
from consumer.api.services import Services
from consumer.api.webhooks import NOTICE
from consumer.brands.brand import Brand
from consumer.settings import Settings

_METHODS: Final = ("GET", "POST", "PATCH", "DELETE")
# Not the headers of the operator's key: it has no business in a browser.
_SENT: Final = ("Authorization", "Content-Type", "If-Match", once.HEADER)
_READ: Final = ("ETag", "Retry-After", "RateLimit", "RateLimit-Policy", REPLAYED, REQUEST_ID, NOTICE)


def application(services: Services, brands: Mapping[str, Brand]) -> ASGIApp:
    """The application of one process."""
    return opened(front(services, brands), services.plane.settings)


def front(services: Services, brands: Mapping[str, Brand]) -> Front:
    """An app for each brand, by its name, behind one front."""
    return Front(services, {name: brand_app(brand, services) for name, brand in brands.items()}, brands)


def opened(application: ASGIApp, settings: Settings) -> ASGIApp:
    """The application, to pages of those origins too that the settings name. Nobody's cookies are asked for."""
    if not settings.api_cors_origins:
        return application
    return CORSMiddleware(
        application,
        allow_origins=settings.api_cors_origins,
        allow_methods=_METHODS,
        allow_headers=_SENT,
        expose_headers=_READ,
        max_age=600,
    )
