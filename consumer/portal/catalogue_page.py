"""The event types: what there is to choose from, and what each looks like."""

from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from consumer.api.problem import Refusal
from consumer.brands.brand import SENT_BY_HOOKLINE, CatalogueEntry
from consumer.json import Json
from consumer.portal.answering import page
from consumer.portal.visit import Visit
from consumer.portal.words import words


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRow:
    """One in the list. `ours`: it is about webhooks themselves."""

    url: str
    type: str
    description: str
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All of them. `open`: there may be others."""

    rows: tuple[TypeRow, ...]
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeView:
    """One of them."""

    type: str
    description: str
    sample: str
    schema: str
    list_url: str


def show(visit: Visit) -> Response:
    """The list."""
    view = Catalogue(
        rows=tuple(_row(visit, each) for each in visit.brand.catalogue), open=visit.brand.closed_catalogue is None
    )
    return page(visit, "event_types.html", view, title=words().say("event_types.title"), tab="event_types")


def show_one(visit: Visit) -> Response:
    """One type."""
    entry = visit.brand.announced(visit.params["type"])
    if entry is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "there is no such event type")
    view = TypeView(
        type=entry.type,
        description=entry.description,
        sample=written(entry.sample),
        schema=written(entry.schema),
        list_url=visit.url("event-types"),
    )
    return page(visit, "event_type.html", view, title=entry.type, tab="event_types")


def written(value: Json) -> str:
    """JSON for reading."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _row(visit: Visit, entry: CatalogueEntry) -> TypeRow:
    return TypeRow(
        url=visit.url(f"event-types/{entry.type}"),
        type=entry.type,
        description=entry.description,
        ours=entry.type in SENT_BY_HOOKLINE,
    )
