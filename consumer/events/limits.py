"""Bounds on JSON, without building it.

The law: whatever passes here is valid JSON in UTF-8, nested no deeper than allowed, and untouched: numbers keep their
digits and strings their escapes.
"""

import re

import msgspec

from consumer.events.reasons import PoisonReason, Refused

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ANY = msgspec.json.Decoder(msgspec.Raw)

NOT_JSON = "the value is not valid JSON: publish one JSON document in UTF-8, without NaN, Infinity or lone surrogates"


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


def check_depth(data: bytes, limit: int) -> None:
    """Refuse valid JSON whose objects and arrays nest deeper than `limit`. A scalar has depth 0."""
    if data.count(b"{") + data.count(b"[") > limit and depth(data, limit + 1) > limit:
        raise Refused(PoisonReason.TOO_DEEP, f"data nests deeper than {limit} levels: flatten it")


def depth(data: bytes, enough: int) -> int:
    """How deep valid JSON nests, counted up to `enough`.

    Strings are dropped, every bracket made square, and then each round removes all innermost pairs: the rounds are
    the depth.
    """
    brackets = _STRING.sub(b"", data).translate(_BRACKETS, _NO_BRACKET)
    rounds = 0
    while brackets and rounds < enough:
        brackets = brackets.replace(b"[]", b"")
        rounds += 1
    return rounds
