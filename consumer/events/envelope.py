"""The JSON envelope: `{"id"?, "type", "tenant", "product"?, "time"?, "data"?}`.

The law: `data` is the producer's own bytes, cut out and never rewritten. A member that is null counts as absent, one
that is not known is ignored, and one written twice is refused: two readers of the same record must never see two
tenants.
"""

from typing import TypeAlias

import msgspec

from consumer.events.document import NOT_JSON, check_utf8
from consumer.events.event import Event, Record
from consumer.events.fields import AwareTime, Headers, event, instant_ms
from consumer.events.limits import check_depth
from consumer.events.reasons import PoisonReason, Refused
from consumer.events.rules import Rules

Members: TypeAlias = dict[str, msgspec.Raw]

NO_DATA = msgspec.Raw(b"null")

_OBJECT = msgspec.json.Decoder(Members)
_TEXT = msgspec.json.Decoder(str | None)
_TIME = msgspec.json.Decoder(AwareTime | None)


class _Envelope(msgspec.Struct, frozen=True):
    """The envelope as most producers write it."""

    id: str | None = None
    type: str | None = None
    tenant: str | None = None
    product: str | None = None
    time: AwareTime | None = None
    data: msgspec.Raw = NO_DATA


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def read(record: Record, value: bytes, headers: Headers, rules: Rules) -> Event:
    """The event of a JSON envelope: the usual one read in one go, any other member by member, to tell what is wrong."""
    check_utf8(value)
    try:
        found = _ENVELOPE.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return _read_members(record, value, headers, rules)
    data = bytes(found.data)
    if value.count(b'"') != _quotes(found, data):
        return _read_members(record, value, headers, rules)
    check_depth(data, rules.max_event_depth)
    return event(
        record,
        headers,
        id=found.id,
        type=found.type,
        tenant=found.tenant,
        product=found.product,
        time_ms=None if found.time is None else instant_ms("time", found.time),
        data=data,
    )


def _quotes(found: _Envelope, data: bytes) -> int:
    """The fewest quotes that can write what was found: so many means nothing was written twice or left out.

    Four for each text and its name, two for the name of the data and those inside it.
    """
    texts = (found.id is not None) + (found.type is not None) + (found.tenant is not None)
    texts += (found.product is not None) + (found.time is not None)
    return 4 * texts + data.count(b'"') + (0 if found.data is NO_DATA else 2)


def _read_members(record: Record, value: bytes, headers: Headers, rules: Rules) -> Event:
    found = members(value)
    return event_of(record, headers, found, bytes(found.get("data", NO_DATA)), rules)


def event_of(record: Record, headers: Headers, found: Members, data: bytes, rules: Rules) -> Event:
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


def members(value: bytes) -> Members:
    """The members of one JSON object, each as the bytes written, all of its syntax checked.

    Duplicates are found by counting: a name has two quotes, so the quotes of the whole are those of the members kept,
    unless one was dropped. A name that itself contains a quote would blur the count and is refused.
    """
    check_utf8(value)
    try:
        found = _OBJECT.decode(value)
    except msgspec.ValidationError:
        raise Refused(PoisonReason.WRONG_TYPE, "the value must be a JSON object with type and tenant") from None
    except msgspec.DecodeError:
        raise Refused(PoisonReason.UNDECODABLE, NOT_JSON) from None
    except RecursionError:
        raise Refused(PoisonReason.TOO_DEEP, "objects and arrays are nested too deep: flatten the payload") from None
    quotes = value.count(b'"')
    for name, raw in found.items():
        if '"' in name:
            raise Refused(PoisonReason.UNDECODABLE, "a member's name contains a quotation mark: rename it")
        quotes -= 2 + bytes(raw).count(b'"')
    if quotes:
        raise Refused(PoisonReason.DUPLICATE_FIELD, "the envelope names a member twice: write each once")
    return found


def text(found: Members, field: str) -> str | None:
    """A member that is a string, None if it is absent or null."""
    raw = found.get(field)
    if raw is None:
        return None
    try:
        found_text: str | None = _TEXT.decode(raw)
    except msgspec.ValidationError:
        raise Refused(PoisonReason.WRONG_TYPE, f"{field} must be a string") from None
    return found_text


def time_ms(found: Members) -> int | None:
    """The member `time` in milliseconds since 1970, None if it is absent or null."""
    raw = found.get("time")
    if raw is None:
        return None
    try:
        moment = _TIME.decode(raw)
    except msgspec.ValidationError:
        raise Refused(
            PoisonReason.WRONG_TYPE, "time must be RFC 3339 with an offset, as in 2026-01-31T12:00:00Z"
        ) from None
    return None if moment is None else instant_ms("time", moment)
