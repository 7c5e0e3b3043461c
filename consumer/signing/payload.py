"""Payload formats: an event becomes the body of a request.

The law: the same event renders to the same bytes, always, and where a format carries `data`, it is the producer's
JSON spliced in byte for byte, never parsed and written again (numbers, escapes and key order stay as they were).
"""

from json.encoder import encode_basestring_ascii as quoted
from typing import assert_never
from urllib.parse import quote

from consumer.brands.brand import Brand
from consumer.events.event import Event
from consumer.events.identity import source_mark
from consumer.signing.chat import discord, slack
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.subscription import PayloadFormat

JSON_TYPE = "application/json"
CLOUDEVENTS_TYPE = "application/cloudevents+json"


def render(payload_format: PayloadFormat, event: Event, brand: Brand) -> tuple[bytes, str]:
    """The request's body and its content type.

    `event.data` must be JSON. Strings are written with non-ASCII escaped, so that even a lone surrogate is safe.
    """
    match payload_format:
        case PayloadFormat.STANDARD:
            return _standard(event), JSON_TYPE
        case PayloadFormat.EVENT:
            return _event(event, with_workspace=brand.with_workspace), JSON_TYPE
        case PayloadFormat.CLOUDEVENTS:
            return _cloudevent(event, brand), CLOUDEVENTS_TYPE
        case PayloadFormat.RAW:
            return event.data, JSON_TYPE
        case PayloadFormat.SLACK:
            return slack(event, brand), JSON_TYPE
        case PayloadFormat.DISCORD:
            return discord(event, brand), JSON_TYPE
    assert_never(payload_format)


def _standard(event: Event) -> bytes:
    """Standard Webhooks: `{type, timestamp, data}`; the timestamp is the event's, so that a retry changes no byte."""
    head = f'{{"type":{quoted(event.type)},"timestamp":"{rfc3339(event.time_ms)}","data":'
    return b"%b%b}" % (head.encode("ascii"), event.data)


def _event(event: Event, *, with_workspace: bool) -> bytes:
    """`{event, workspace_id?, product_id?, data, timestamp}`; a tenant's event without product has product_id null."""
    scope = ""
    if with_workspace:
        product = "null" if event.product is None else quoted(event.product)
        scope = f'"workspace_id":{quoted(event.tenant)},"product_id":{product},'
    head = f'{{"event":{quoted(event.type)},{scope}"data":'
    return b'%b%b,"timestamp":"%b"}' % (head.encode("ascii"), event.data, rfc3339(event.time_ms).encode("ascii"))


def _cloudevent(event: Event, brand: Brand) -> bytes:
    """CloudEvents 1.0, structured mode, JSON format. `source` is a URI reference: /brand/tenant[/product][?of=…].

    Source and id together are unique, as the specification asks: an id is unique within a tenant, or, when the event
    was a CloudEvent, within its own source, which is then marked in ours.
    """
    parts = (brand.name, event.tenant) if event.product is None else (brand.name, event.tenant, event.product)
    source = "".join("/" + quote(part, safe="", errors="surrogatepass") for part in parts)
    source += "" if event.source is None else f"?of={source_mark(event.source)}"
    head = (
        f'{{"specversion":"1.0","id":{quoted(event.id)},"source":{quoted(source)},"type":{quoted(event.type)},'
        f'"time":"{rfc3339(event.time_ms)}","datacontenttype":"{JSON_TYPE}","data":'
    )
    return b"%b%b}" % (head.encode("ascii"), event.data)
