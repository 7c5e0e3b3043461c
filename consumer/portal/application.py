"""The pages put beside the API: whatever is below /portal is theirs."""

from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from consumer.api.services import Services
from consumer.brands.brand import Brand
from consumer.control.portal_links import base_of
from consumer.portal.front import PortalFront
from consumer.portal.opened import Opened
from consumer.portal.pages import ROUTES
from consumer.portal.rendering import compile_all
from consumer.portal.statistics import Statistics
from consumer.shares import Shares

_PORTAL: Final = "/portal/"


def with_pages(
    api: ASGIApp,
    services: Services,
    brands: Mapping[str, Brand],
    *,
    opened: Opened,
    statistics: Statistics,
    room: Shares | None = None,
) -> ASGIApp:
    """The API, and the pages where the settings say where browsers reach them.

    Raises:
        ConfigurationError: see `base_of`.
    """
    base = base_of(services.plane.settings)
    if base is None:
        return api
    compile_all()
    pages = PortalFront(
        services,
        brands,
        ROUTES,
        base=base,
        opened=opened,
        statistics=statistics,
        room=room,
    )

    async def beside(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(_PORTAL)
        await (pages if ours else api)(scope, receive, send)

    return beside
