"""Avro's logical types as JSON text, each without loss.

The law: instants are RFC 3339 in UTC with as many digits as the schema keeps (milliseconds three, microseconds six,
nanoseconds nine), dates and times of day ISO 8601, decimals plain digits in a string: no float, no exponent.
"""

import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import TypeAlias
from uuid import UUID

from consumer.events.reasons import PoisonReason, Refused

OfNumber: TypeAlias = Callable[[int], str]
OfBytes: TypeAlias = Callable[[bytes], str]

MAX_DECIMAL_BYTES = 512  # 1,233 digits: more is an attack, as turning binary into digits takes quadratic time
MAX_SCALE = 1_000

_TWO_IN_TENS, _OF = math.log10(2).as_integer_ratio()
_UNIX_DAY = date(1970, 1, 1).toordinal()
_LAST_DAY = date.max.toordinal()
_SECONDS_A_DAY = 86_400


def of_long(logical: str) -> OfNumber | None:
    """How a long of this logical type reads, None for a plain number."""
    match logical:
        case "timestamp-millis" | "local-timestamp-millis":
            digits = 3
        case "timestamp-micros" | "local-timestamp-micros" | "time-micros":
            digits = 6
        case "timestamp-nanos" | "local-timestamp-nanos":
            digits = 9
        case _:
            return None
    if logical.startswith("time-"):
        return lambda units: _clock(units, digits)
    zone = "" if logical.startswith("local-") else "Z"
    a_day = _SECONDS_A_DAY * 10**digits
    return lambda units: f"{_day(units // a_day)}T{_clock(units % a_day, digits)}{zone}"


def of_int(logical: str) -> OfNumber | None:
    """How an int of this logical type reads, None for a plain number."""
    match logical:
        case "date":
            return _day
        case "time-millis":
            return lambda ms: _clock(ms, 3)
        case _:
            return None


def of_fixed(logical: str, size: int) -> OfBytes | None:
    """How a fixed of this logical type and size reads, None for plain bytes. Decimals are `decimal`'s."""
    match logical, size:
        case "uuid", 16:
            return lambda value: str(UUID(bytes=value))
        case "duration", 12:
            return _duration
        case _:
            return None


def decimal(scale: int) -> OfBytes:
    """Decimals of this scale: two's complement, big-endian."""
    if not 0 <= scale <= MAX_SCALE:
        raise Refused(PoisonReason.EXPLODING_SCHEMA, f"a decimal's scale must be 0 to {MAX_SCALE}")

    def read(value: bytes) -> str:
        if len(value) > MAX_DECIMAL_BYTES:
            raise Refused(PoisonReason.TOO_LARGE, f"a decimal is longer than {MAX_DECIMAL_BYTES} bytes")
        unscaled = int.from_bytes(value, "big", signed=True)
        digits = str(abs(unscaled)).rjust(scale + 1, "0")
        sign = "-" if unscaled < 0 else ""
        return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else f"{sign}{digits}"

    return read


def fits(precision: int, size: int) -> bool:
    """Whether a fixed of this size holds every decimal of so many digits, in two's complement.

    In whole numbers: a schema may name a size beyond any float.
    """
    return precision <= (8 * size - 1) * _TWO_IN_TENS // _OF


def _day(days: int) -> str:
    ordinal = _UNIX_DAY + days
    if not 1 <= ordinal <= _LAST_DAY:
        raise Refused(PoisonReason.WRONG_TYPE, "a date or timestamp lies outside the years 1 to 9999: check its unit")
    return date.fromordinal(ordinal).isoformat()


def _clock(units: int, digits: int) -> str:
    """Units of 10^-digits seconds since midnight."""
    seconds, fraction = divmod(units, 10**digits)
    if not 0 <= seconds < _SECONDS_A_DAY:
        raise Refused(PoisonReason.WRONG_TYPE, "a time of day lies outside 00:00 to 24:00: check its unit")
    return f"{timedelta(seconds=seconds)!s:0>8}.{fraction:0{digits}d}"


def _duration(value: bytes) -> str:
    """Months, days and milliseconds, each 32 bits little-endian."""
    months, days, ms = (int.from_bytes(value[at : at + 4], "little") for at in (0, 4, 8))
    return f"P{months}M{days}DT{ms // 1_000}.{ms % 1_000:03d}S"
