"""A route's body or query, of a model that only exists while running: the brand's own."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Query, Response
from pydantic import BaseModel

Route = TypeVar("Route", bound=Callable[..., Response])


def bodied(model: object) -> Callable[[Route], Route]:
    """Say that the route's argument `body` is of this model. FastAPI reads it where the language keeps annotations."""
    return _annotated("body", model)


def queried(model: type[BaseModel]) -> Callable[[Route], Route]:
    """Say that the route's argument `asked` is its query, of this model."""
    return _annotated("asked", Annotated[model, Query()])


def _annotated(argument: str, kind: object) -> Callable[[Route], Route]:
    def annotate(route: Route) -> Route:
        route.__annotations__[argument] = kind
        return route

    return annotate
