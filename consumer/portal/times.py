"""Times as pages tell them: exactly, in UTC, and how long ago or ahead that is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from consumer.portal.words import words
from consumer.signing.timestamps import rfc3339

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_UNITS: Final = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (_SECOND, "s"))
_ENOUGH: Final = 10
"""Of a unit, for the next one to say nothing to anybody."""
_ENOUGH_ROUGHLY: Final = 2
_FIRST_MS: Final = -62_135_596_800_000
_LAST_MS: Final = 253_402_300_799_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`iso` for machines, `exact` and `away` for people; `ahead`: it lies in the future."""

    iso: str
    exact: str
    away: str
    ahead: bool


def moment(at_ms: int, now_ms: int) -> Moment:
    """A time, seen from now."""
    return Moment(
        iso=rfc3339(at_ms),
        exact=_exact(datetime.fromtimestamp(min(max(at_ms, _FIRST_MS), _LAST_MS) / 1_000, UTC)),
        away=span(abs(now_ms - at_ms), rough=True),
        ahead=at_ms > now_ms,
    )


def _exact(told: datetime) -> str:
    said = words()
    month = said.texts["time.months"].split()[told.month - 1]
    return said.say("time.exact", day=str(told.day), month=month, year=str(told.year), clock=f"{told:%H:%M:%S}")


def moment_or_none(at_ms: int | None, now_ms: int) -> Moment | None:
    """The same of a time that may not be known."""
    return None if at_ms is None else moment(at_ms, now_ms)


def span(ms: float, *, rough: bool = False) -> str:
    """How long that is, in two units at most: `12 s`, `1 min 5 s`, `3 d 2 h`; roughly, in one if that says enough."""
    whole = int(ms)
    for number, (unit_ms, name) in enumerate(_UNITS):
        count, rest = divmod(whole, unit_ms)
        if not count:
            continue
        if number + 1 == len(_UNITS) or count >= (_ENOUGH_ROUGHLY if rough else _ENOUGH):
            return f"{count} {name}"
        next_ms, next_name = _UNITS[number + 1]
        smaller = rest // next_ms
        return f"{count} {name} {smaller} {next_name}" if smaller else f"{count} {name}"
    return f"{whole} ms"
