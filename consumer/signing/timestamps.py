"""Times in payloads: RFC 3339, UTC, always milliseconds and Z, so that equal instants are equal text."""

from datetime import UTC, datetime
from functools import lru_cache

_FIRST_SECOND = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def rfc3339(time_ms: int) -> str:
    """Write epoch milliseconds as `2026-03-19T14:30:00.000Z`; a time outside the years 1 to 9999 as the nearest one."""
    second, millisecond = divmod(time_ms, 1_000)
    return f"{_second(second)}.{millisecond:03d}Z"


@lru_cache(maxsize=4_096)
def _second(second: int) -> str:
    # Events arrive in bursts of the same second: formatting it once saves a microsecond each.
    within = min(max(second, _FIRST_SECOND), _LAST_SECOND)
    return datetime.fromtimestamp(within, UTC).replace(tzinfo=None).isoformat()
