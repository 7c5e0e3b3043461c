"""The route of event types: what a brand announces, with samples and schemas."""

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from consumer.api import answers
from consumer.api.call import needs
from consumer.api.model import Told
from consumer.api.site import Site
from consumer.brands.brand import CatalogueEntry
from consumer.control.keys import Scope
from consumer.json import Json

# Under names: an event type has a member `object`.
_Object = dict[str, object]
_Anything = object


class EventType(Told):
    """An event type that may be chosen."""

    object: Literal["event_type"]
    type: str
    description: str
    sample: Annotated[_Anything, Field(description="The data of one such event.")]
    schema_: Annotated[_Object, Field(alias="schema", description="JSON Schema 2020-12 of the data.")]


def add_event_types(site: Site) -> None:
    """Add it beside the brand's webhooks."""
    answer = answers.page(site.brand, [_shown(each) for each in site.brand.catalogue], None)

    @site.app.get(
        site.prefix + "/event-types",
        operation_id="listEventTypes",
        summary="List the event types, each with a sample and its schema",
        tags=["event types"],
        response_model=site.shapes.page(EventType),
        openapi_extra=needs(Scope.READ),
    )
    async def list_event_types() -> Response:
        return answers.response(answer)


def _shown(entry: CatalogueEntry) -> Json:
    return {
        "object": "event_type",
        "type": entry.type,
        "description": entry.description,
        "sample": entry.sample,
        "schema": entry.schema,
    }
