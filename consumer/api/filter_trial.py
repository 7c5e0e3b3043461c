"""The route on which a filter is tried before it is anybody's: against a sample, or an event of the caller's."""

from typing import Annotated, Any, Final, cast

import msgspec
from fastapi import Response
from pydantic import Field

from consumer.api import answers
from consumer.api.call import needs
from consumer.api.documents import problems
from consumer.api.model import Asked, Told
from consumer.api.site import Asking, Site
from consumer.control.keys import Scope
from consumer.control.sample import sample_data
from consumer.json import Json
from consumer.webhooks.filter_trial import shown, try_filter
from consumer.webhooks.wishes import check_filter
from consumer.webhooks.wrong import Code, Faults, Wrong

_TAGS: Final = ["webhooks"]


class FilterTry(Asked):
    """A filter, and what to try it against: `type` or `data`."""

    filter: Annotated[dict[str, object], Field(description="The pattern, as a webhook has it.")]
    type: Annotated[str | None, Field(description="The sample of this event type.")] = None
    data: Annotated[
        dict[str, object] | None, Field(description="The data of an event of yours.", examples=[{"amount": 5}])
    ] = None


class UnmetCondition(Told):
    """A condition of the filter that is not met."""

    path: Annotated[str, Field(description="Where in the filter, as in $.amount.")]
    found: Annotated[str | None, Field(description="What the data has there, as JSON, cut; null: nothing.")]


class FilterVerdict(Told):
    """Whether the event would be sent."""

    matches: bool
    unmet: Annotated[list[UnmetCondition], Field(description="The conditions that are not met, at most 20.")]
    given_up: Annotated[bool, Field(description="True: the filter needs too many steps, so the event would be sent.")]


def add_filter_trial(site: Site) -> None:
    """Add it beside the brand's webhooks."""

    @site.app.post(
        site.prefix + "/filters/try",
        operation_id="tryFilter",
        summary="Try a filter against a sample, or against an event of yours",
        description="Nothing is sent, and no webhook is needed. Give either `type` or `data`.",
        tags=[*_TAGS],
        response_model=site.shapes.one(FilterVerdict),
        responses=problems(422),
        openapi_extra=needs(Scope.READ),
    )
    def try_a_filter(_call: Asking, body: FilterTry) -> Response:
        faults = Faults()
        filter_json = _json("filter", body.filter, faults)
        faults.looked(lambda: check_filter(filter_json))
        data: Json = cast("dict[str, Json]", body.data)
        if (body.type is None) is (body.data is None):
            message = "give it, or type for a sample" if body.data is None else "give this or type, not both"
            faults.add(Wrong(field="data", code=Code.MISSING if body.data is None else Code.DUPLICATE, message=message))
        elif body.type is not None:
            event_type = body.type
            data = faults.checked(lambda _: sample_data(event_type, site.brand), None)
        faults.tell()
        return answers.response(answers.one(site.brand, shown(try_filter(filter_json, data))))


def _json(field: str, value: dict[str, Any], faults: Faults) -> str:  # Any: as JSON was read
    try:
        return msgspec.json.encode(value).decode()
    except (RecursionError, OverflowError):
        message = "is nested too deep, or has a number with too many digits"
        faults.add(Wrong(field=field, code=Code.NOT_A_FILTER, message=message))
        return "{}"
