"""What all models of the API's JSON have in common: OpenAPI tells of them, and requests are checked against them.

The law: a request with a member that its model does not name, or of another type, is refused whole. What values may be
is for `webhooks.draft` to say. Answers are not built from the models but by the rooms below;
`tests/unit/api/test_openapi.py` compares what is answered with them.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from consumer.log.explanation import Received

Chosen = Field(strict=False)
"""An enumeration is written as its text."""

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-01-31T12:00:00.000Z"])]


class Asked(BaseModel):
    """Part of a request."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class Told(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(alias_generator=to_camel)


class Explanation(Told):
    """Why it failed."""

    code: Annotated[str, Field(description="The kind of cause, for a program.")]
    title: str
    received: Annotated[Received | None, Field(description="Whether the endpoint got the request.")]
    cause: str
    remedies: Annotated[list[str], Field(description="What to do now.")]


class Page(Told):
    """A list, or a part of it."""

    next_cursor: Annotated[str | None, Field(description="Where the next page begins; null: this is the last.")]


class ObjectPage(Page):
    """The same under brands whose answers stand alone."""

    object: Literal["list"]
