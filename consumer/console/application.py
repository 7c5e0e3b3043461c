"""The console put beside the API and the pages: whatever is below /console is its own."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from consumer.api.services import Plane
from consumer.brands.brand import Brand
from consumer.console.front import PATH, ConsoleFront
from consumer.console.sources import Looks, Sources
from consumer.control.audit import Telling
from consumer.control.portal_links import base_of


def with_console(
    behind: ASGIApp, plane: Plane, brands: Mapping[str, Brand], sources: Sources, audit: Telling
) -> ASGIApp:
    """What is behind it, and the console where there is an operator's key, and the pages that it leads to.

    Raises:
        ConfigurationError: see `base_of`.
    """
    base, key = base_of(plane.settings), plane.settings.operator_key
    if base is None or key is None:
        return behind
    console = ConsoleFront(plane, brands, key, Looks(sources, plane), audit, base=base)

    async def beside(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        ours = path == PATH or path.startswith(PATH + "/")
        await (console if ours else behind)(scope, receive, send)

    return beside
