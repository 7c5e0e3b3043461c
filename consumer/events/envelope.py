"""The JSON envelope: `{"id"?, "type", "tenant", "product"?, "time"?, "data"?}`.

The law: `data` is the producer's own bytes, cut out and never rewritten. A member that is null counts as absent, one
that is not known is ignored, and one written twice is refused. An object that says `specversion` is a CloudEvent.
"""

import msgspec

from consumer.events import cloudevents
from consumer.events.document import check_utf8
from consumer.events.event import Event, Record
from consumer.events.fields import event, text_ms
from consumer.events.headers import NamedHeaders
from consumer.events.limits import check_depth
from consumer.events.members import NO_DATA, Members, members, text, time_ms
from consumer.events.rules import EventRules


class _Envelope(msgspec.Struct, frozen=True):
    """The envelope as most producers write it."""

    id: str | None = None
    type: str | None = None
    tenant: str | None = None
    product: str | None = None
    time: str | None = None
    data: msgspec.Raw = NO_DATA


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def read(record: Record, value: bytes, headers: NamedHeaders, rules: EventRules) -> Event:
    """The event of a JSON envelope: most are read in one go, any other member by member, to tell what is wrong."""
    check_utf8(value)
    try:
        found = _ENVELOPE.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return _read_members(record, value, headers, rules)
    data = bytes(found.data)
    if _quotes_around(data, value) != _quotes(found):
        return _read_members(record, value, headers, rules)
    check_depth(data, rules.max_event_depth)
    return event(
        record,
        headers,
        id=found.id,
        type=found.type,
        tenant=found.tenant,
        product=found.product,
        time_ms=None if found.time is None else text_ms("time", found.time),
        data=data,
    )


def _quotes(found: _Envelope) -> int:
    """The fewest quotes around the data that can write what was found: so many, and nothing is twice or left out.

    Four for each text and its name, two for the name of the data.
    """
    texts = (found.id is not None) + (found.type is not None) + (found.tenant is not None)
    texts += (found.product is not None) + (found.time is not None)
    return 4 * texts + (0 if found.data is NO_DATA else 2)


def _quotes_around(data: bytes, value: bytes) -> int:
    """The quotes of the value that are not the data's. Data mostly comes last: then they need not be looked at."""
    if value.endswith(data, 0, -1):
        return value.count(b'"', 0, -1 - len(data)) + value.count(b'"', -1)
    return value.count(b'"') - data.count(b'"')


def _read_members(record: Record, value: bytes, headers: NamedHeaders, rules: EventRules) -> Event:
    found = members(value)
    if bytes(found.get("specversion", NO_DATA)) != b"null":
        return cloudevents.structured(record, headers, found, rules)
    return event_of(record, headers, found, bytes(found.get("data", NO_DATA)), rules)


def event_of(record: Record, headers: NamedHeaders, found: Members, data: bytes, rules: EventRules) -> Event:
    """The event whose metadata are these members of an object."""
    check_depth(data, rules.max_event_depth)
    return event(
        record,
        headers,
        id=text(found, "id"),
        type=text(found, "type"),
        tenant=text(found, "tenant"),
        product=text(found, "product"),
        time_ms=time_ms(found),
        data=data,
    )
