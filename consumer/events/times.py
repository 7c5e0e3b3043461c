"""Times as producers write them: RFC 3339 (section 5.6), all of it and nothing else.

    2026-01-31T12:00:00Z    2026-01-31t13:00:00.5+01:00    2016-12-31T23:59:60Z

The law: years 0000 to 9999, any number of digits after the point, `t` and `z` in either case, an offset always; a
second 60 only where a leap second can be, at the end of a month in UTC. What lies outside these years in UTC is no
time here: it could not be written again. A leap second is the same instant as the second after it, as POSIX counts.
"""

import re
from datetime import date
from typing import Final

_FORM: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_UNIX_DAY: Final = date(1970, 1, 1).toordinal()
_CYCLE_YEARS: Final = 400  # after which the calendar repeats: `date` has no year 0
_CYCLE_DAYS: Final = 146_097
_DAY_S: Final = 86_400
_LEAP: Final = 60

FIRST_MS: Final = (date(_CYCLE_YEARS, 1, 1).toordinal() - _CYCLE_DAYS - _UNIX_DAY) * _DAY_S * 1_000
LAST_MS: Final = (date.max.toordinal() + 1 - _UNIX_DAY) * _DAY_S * 1_000 - 1


def milliseconds(text: str) -> int | None:
    """Milliseconds since 1970, rounded down; None for what is no such time."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    try:
        days = _days(int(year), int(month), int(day))
    except ValueError:
        return None
    offset_s = 0 if sign is None else int(f"{sign}1") * (int(hours) * 3_600 + int(minutes) * 60)
    since_s = days * _DAY_S + int(hour) * 3_600 + int(minute) * 60 + int(second) - offset_s
    if int(second) == _LEAP and not _begins_a_month(since_s):
        return None
    ms = since_s * 1_000 + (0 if fraction is None else int(fraction[:3].ljust(3, "0")))
    return ms if FIRST_MS <= ms <= LAST_MS else None


def _days(year: int, month: int, day: int) -> int:
    if year:
        return date(year, month, day).toordinal() - _UNIX_DAY
    return date(_CYCLE_YEARS, month, day).toordinal() - _CYCLE_DAYS - _UNIX_DAY


def _begins_a_month(since_s: int) -> bool:
    days, within_s = divmod(since_s, _DAY_S)
    ordinal = days + _UNIX_DAY
    # The calendar repeats after a cycle: this day of it has the same day of the month.
    return within_s == 0 and date.fromordinal((ordinal - 1) % _CYCLE_DAYS + 1).day == 1
