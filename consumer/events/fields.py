"""The metadata of an event, checked alike whatever format it came in.

The law: type, tenant and product are names as `consumer.text` has them, because they end in HTTP headers, keys and
logs, and webhooks choose them by the same rule; an id is 1 to 200 bytes of UTF-8, a source 1 to 1,000; a time lies in
the years 0000 to 9999.
"""

from consumer.events.event import Event, Record
from consumer.events.headers import NO_HEADERS, NamedHeaders
from consumer.events.reasons import PoisonReason, Refused
from consumer.events.times import FIRST_MS, LAST_MS, milliseconds
from consumer.events.trace_context import NO_CONTEXT, trace_context
from consumer.text import MAX_NAME_LENGTH, is_event_type, is_name

MAX_ID_BYTES = 200
MAX_SOURCE_BYTES = 1_000


def event(
    record: Record,
    headers: NamedHeaders,
    *,
    id: str | None,  # noqa: A002 - the glossary's and Event's own word
    type: str | None,  # noqa: A002 - as above
    tenant: str | None,
    product: str | None,
    time_ms: int | None,
    data: bytes,
    source: str | None = None,
) -> Event:
    """The Event these parts make, once they are checked. See `checked`."""
    parts = (
        None if id is None else _checked_id(id),
        _checked_type(type),
        _checked_name("tenant", tenant),
        None if product is None else _checked_name("product", product),
        time_ms,
        data,
    )
    return checked(record, headers, parts, None if source is None else _checked_source(source))


def checked(
    record: Record,
    headers: NamedHeaders,
    parts: tuple[str | None, str, str, str | None, int | None, bytes],
    source: str | None = None,
) -> Event:
    """The same of id, type, tenant, product, time and data that are as they have to be.

    The id defaults to the record's place, the time to the record's.
    """
    id_, type_, tenant, product, time_ms, data = parts
    traceparent, tracestate = NO_CONTEXT if headers is NO_HEADERS else trace_context(headers)
    return Event(
        id=_default_id(record) if id_ is None else id_,
        type=type_,
        tenant=tenant,
        product=product,
        time_ms=record.timestamp_ms if time_ms is None else time_ms,
        data=data,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        traceparent=traceparent,
        source=source,
        tracestate=tracestate,
    )


def _default_id(record: Record) -> str:
    """The time tells a topic that was made anew from the one that was there before, with the same offsets."""
    return f"{record.topic}-{record.partition}-{record.offset}-{record.timestamp_ms}"


def _checked_id(event_id: str) -> str:
    if not 0 < len(event_id) <= MAX_ID_BYTES or (not event_id.isascii() and len(event_id.encode()) > MAX_ID_BYTES):
        raise Refused(PoisonReason.WRONG_TYPE, f"id must be 1 to {MAX_ID_BYTES} bytes of UTF-8; leave it out for none")
    return event_id


def _checked_source(source: str) -> str:
    if not 0 < len(source) <= MAX_SOURCE_BYTES or len(source.encode()) > MAX_SOURCE_BYTES:
        raise Refused(PoisonReason.WRONG_TYPE, f"source must be 1 to {MAX_SOURCE_BYTES:,} bytes of UTF-8")
    return source


def _checked_name(field: str, name: str | None) -> str:
    if name is None:
        raise Refused(PoisonReason.MISSING_FIELD, f"{field} is missing: every event names its {field}")
    if not is_name(name):
        raise Refused(PoisonReason.WRONG_TYPE, f"{field} must be 1 to {MAX_NAME_LENGTH} printable characters")
    return name


def _checked_type(name: str | None) -> str:
    checked = _checked_name("type", name)
    if not is_event_type(checked):
        raise Refused(
            PoisonReason.WRONG_TYPE, "type must not contain *, which stands for all types where one is chosen"
        )
    return checked


def range_checked_ms(field: str, ms: int) -> int:
    """`ms` itself if a calendar can show it."""
    if not FIRST_MS <= ms <= LAST_MS:
        raise Refused(PoisonReason.WRONG_TYPE, f"{field} lies outside the years 0000 to 9999: write milliseconds")
    return ms


def text_ms(field: str, text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 text."""
    ms = milliseconds(text)
    if ms is None:
        detail = (
            f"{field} must be RFC 3339 with an offset, as in 2026-01-31T12:00:00Z, in the years 0000 to 9999 of UTC"
        )
        raise Refused(PoisonReason.WRONG_TYPE, detail)
    return ms
