"""A span that has ended, in OpenTelemetry's terms and without its library."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

Attributes: TypeAlias = Mapping[str, str | int]


class SpanKind(StrEnum):
    """Of OpenTelemetry's kinds, those that Hookline has."""

    CONSUMER = "consumer"
    CLIENT = "client"


class Span(Struct, frozen=True, kw_only=True):
    """Ids are hex digits: 32 of a trace, 16 of a span. `parent_id` of None: the trace begins here.

    `parent_is_remote`: it is another process's span. `links` are spans of the same trace. `failed` is how its status is
    told; the attributes say why. Times are nanoseconds since 1970.
    """

    name: str
    kind: SpanKind
    trace_id: str
    span_id: str
    parent_id: str | None
    parent_is_remote: bool
    tracestate: str | None
    begin_ns: int
    end_ns: int
    attributes: Attributes
    links: tuple[str, ...] = ()
    failed: bool = False
