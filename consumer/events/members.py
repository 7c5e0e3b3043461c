"""The members of one JSON object, each as the bytes written.

The law: a member that is null counts as absent, and one written twice is refused: two readers of the same record must
never see two tenants.
"""

from typing import TypeAlias

import msgspec

from consumer.events.document import NOT_JSON, check_utf8
from consumer.events.fields import text_ms
from consumer.events.reasons import PoisonReason, Refused

Members: TypeAlias = dict[str, msgspec.Raw]

NO_DATA = msgspec.Raw(b"null")

_OBJECT = msgspec.json.Decoder(Members)
_TEXT = msgspec.json.Decoder(str | None)


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
    written = text(found, "time")
    return None if written is None else text_ms("time", written)
