"""A route's body, of a model that only exists while running: the brand's own."""

from collections.abc import Callable
from typing import TypeVar

from fastapi import Response

Route = TypeVar("Route", bound=Callable[..., Response])


def bodied(model: object) -> Callable[[Route], Route]:
    """Say that the route's argument `body` is of this model. FastAPI reads it where the language keeps annotations."""

    def annotate(route: Route) -> Route:
        route.__annotations__["body"] = model
        return route

    return annotate
