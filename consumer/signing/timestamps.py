"""Times in payloads: RFC 3339, UTC, always milliseconds and Z, so that equal instants are equal text."""

from datetime import UTC, datetime
from functools import lru_cache

from consumer.events.times import FIRST_MS, LAST_MS

_FIRST_SECOND = FIRST_MS // 1_000
_LAST_SECOND = LAST_MS // 1_000
_YEAR_1 = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
_CYCLE_S = 146_097 * 86_400  # after 400 years the calendar repeats: `datetime` has no year 0


def rfc3339(time_ms: int) -> str:
    """Write epoch milliseconds as `2026-03-19T14:30:00.000Z`; one outside the years 0000 to 9999 as the nearest."""
    second, millisecond = divmod(time_ms, 1_000)
    return f"{_second(second)}.{millisecond:03d}Z"


@lru_cache(maxsize=4_096)
def _second(second: int) -> str:
    # Events arrive in bursts of the same second: formatting it once saves a microsecond each.
    within = min(max(second, _FIRST_SECOND), _LAST_SECOND)
    if within < _YEAR_1:
        return "0000" + datetime.fromtimestamp(within + _CYCLE_S, UTC).replace(tzinfo=None).isoformat()[4:]
    return datetime.fromtimestamp(within, UTC).replace(tzinfo=None).isoformat()
