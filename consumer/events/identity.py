"""What an event is known by: here, and at its receivers.

The laws: two records never share an `identity`, not even those of a topic that was deleted and made anew with equal
offsets; two events that a producer tells apart never share a `webhook_id`, whose text is a valid header value without
a dot (Standard Webhooks signs `id.timestamp.body`: a dot in the id would make that ambiguous).

    event_id                       the producer's, with what is not A-Z a-z 0-9 _ - as ~XX for each byte of UTF-8
    event_id~~0123456789abcdef…    a CloudEvent's, which is unique only together with its source
"""

import hashlib
import re

from consumer.events.event import Event

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_BETWEEN = "~~"  # in an escaped id each ~ is followed by a hex digit
_MARK_BYTES = 16


def identity(event: Event) -> tuple[str, str, str]:
    """Its source, its id and its place. The record's own time stands for the life of the topic it is in."""
    place = f"{event.topic}/{event.partition}/{event.offset}/{event.timestamp_ms}"
    return event.source or "", event.id, place


def webhook_id(event: Event) -> str:
    """The event's id as it travels in the `webhook-id` header: the same wherever and however often it is sent."""
    name = event.id if _UNSAFE.search(event.id) is None else _UNSAFE.sub(_escaped, event.id)
    return name if event.source is None else name + _BETWEEN + source_mark(event.source)


def source_mark(source: str) -> str:
    """A source without its words, which are the producer's own: 32 hex digits of a hash."""
    return hashlib.blake2b(source.encode("utf-8", "surrogatepass"), digest_size=_MARK_BYTES).hexdigest()


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))
