"""The value of a Retry-After header: seconds or a date (RFC 9110 section 10.2.3). Pure.

The law: any text has one reading, a wait between nothing and MOST_MS or none at all, and reading never raises. All
three forms of date are read (RFC 9110 section 5.6.7); a date names GMT or nothing, which is read as GMT.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

MOST_MS: Final = 366 * 86_400_000
"""What asks for more asks for this: a delivery does not live as long."""

_SECONDS: Final = re.compile(r"0*([0-9]{1,9})")
_MANY_SECONDS: Final = re.compile(r"[0-9]+")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME: Final = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_ZONE: Final = r"(?: +(?:gmt|utc?|z|[+-]0000))?"
_DATES: Final = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        # Mon, 21 Sep 2026 14:13:30 GMT
        rf"[a-z]{{3}}, +(?P<day>[0-9]{{1,2}}) +{_MONTH} +(?P<year>[0-9]{{4}}) +{_TIME}{_ZONE}",
        # Monday, 21-Sep-26 14:13:30 GMT
        rf"[a-z]{{3,9}}, +(?P<day>[0-9]{{1,2}})-{_MONTH}-(?P<year>[0-9]{{2}}|[0-9]{{4}}) +{_TIME}{_ZONE}",
        # Mon Sep 21 14:13:30 2026
        rf"[a-z]{{3}} +{_MONTH} +(?P<day>[0-9]{{1,2}}) +{_TIME} +(?P<year>[0-9]{{4}})",
    )
)
_CENTURY: Final = 100
_AHEAD_YEARS: Final = 50
_LEAP_SECOND: Final = 60


def asked_ms(value: str, now_ms: int) -> int | None:
    """How long the value asks to wait; None where it is neither seconds nor a date. A date that was asks for 0."""
    text = value.strip(" \t")
    if _MANY_SECONDS.fullmatch(text):
        seconds = _SECONDS.fullmatch(text)
        return MOST_MS if seconds is None else min(int(seconds[1]) * 1_000, MOST_MS)
    at_ms = _date_ms(text, now_ms)
    return None if at_ms is None else min(max(0, at_ms - now_ms), MOST_MS)


def _date_ms(text: str, now_ms: int) -> int | None:
    found = next((match for form in _DATES if (match := form.fullmatch(text))), None)
    if found is None:
        return None
    year, second = int(found["year"]), int(found["second"])
    if year < _CENTURY and len(found["year"]) == 2:  # noqa: PLR2004 - its digits
        year = _whole_year(year, now_ms)
    try:
        date = datetime(
            year,
            _MONTHS.index(found["month"].lower()) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            second - 1 if second == _LEAP_SECOND else second,
            tzinfo=UTC,
        )
    except ValueError:  # a 31st of February, a 25th hour, the year 0
        return None
    return (date - _EPOCH) // timedelta(milliseconds=1)


def _whole_year(short: int, now_ms: int) -> int:
    """A year of two digits: of those that end so, the one that is not more than 50 years ahead."""
    this = 1970 + now_ms // (MOST_MS - 86_400_000)
    whole = this - this % _CENTURY + short
    return whole - _CENTURY if whole > this + _AHEAD_YEARS else whole
