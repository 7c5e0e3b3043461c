"""The one reader of JSON that producers wrote: the decoder checks with it, and a filter reads what was checked.

The law: whatever `json_text` lets through, `parsed` reads; neither changes a byte of it. A number is whatever RFC 8259
allows, of any size: one beyond a double's range has no size to compare (`webhooks/pattern.py`).
"""

import json
from typing import Final

import msgspec

from consumer.events.reasons import PoisonReason, Refused
from consumer.json import Json

NOT_JSON: Final = (
    "the value is not valid JSON: publish one JSON document in UTF-8, without NaN, Infinity or lone surrogates"
)

_ANY = msgspec.json.Decoder(msgspec.Raw)
_VALUE: Final[msgspec.json.Decoder[Json]] = msgspec.json.Decoder()
_LONGEST_DOUBLE: Final = 309  # digits before the point


def check_utf8(value: bytes) -> None:
    """Refuse what is not UTF-8. The JSON parser alone would let raw bytes inside strings pass."""
    if value.isascii():
        return
    try:
        value.decode()
    except UnicodeDecodeError:
        raise Refused(PoisonReason.UNDECODABLE, "the value is not UTF-8: publish JSON encoded as UTF-8") from None
    if value.startswith(b"\xef\xbb\xbf"):
        raise Refused(PoisonReason.UNDECODABLE, "the value begins with a byte order mark: publish JSON without it")


def json_text(value: bytes) -> bytes:
    """The one JSON document in `value`, byte for byte, without the white space around it; refuses anything else."""
    check_utf8(value)
    try:
        return bytes(_ANY.decode(value))
    except msgspec.DecodeError:
        raise Refused(PoisonReason.UNDECODABLE, NOT_JSON) from None
    except RecursionError:
        raise Refused(PoisonReason.TOO_DEEP, "objects and arrays are nested too deep: flatten the payload") from None


def parsed(text: bytes) -> Json:
    """The value of a text that passed `json_text` and nests no deeper than an event may."""
    try:
        return _VALUE.decode(text)
    except msgspec.ValidationError:  # a number that msgspec has no room for; the slow reader has
        value: Json = json.loads(text.decode(), parse_int=_whole)
        return value


def _whole(digits: str) -> int | float:
    """Turning digits into binary takes quadratic time, and Python refuses to beyond 4,300."""
    return int(digits) if len(digits) <= _LONGEST_DOUBLE else float(digits)
