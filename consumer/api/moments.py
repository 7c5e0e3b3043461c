"""Times in queries and in answers."""

import time

from consumer.replay.filters import moment_ms
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.wrong import Code, Faults, Wrong


def now_ms() -> int:
    """What time it is."""
    return time.time_ns() // 1_000_000


def moment_of(name: str, text: str | None, now_ms: int, faults: Faults) -> int | None:
    """What a parameter of this name says, ms since 1970; None where it says nothing, or cannot be read: a fault."""
    if text is None:
        return None
    try:
        return moment_ms(text, now_ms)
    except ValueError as error:
        faults.add(Wrong(field=name, code=Code.MALFORMED, message=str(error)))
        return None


def time_of(at_ms: int | None) -> str | None:
    """A moment as the API writes it: RFC 3339, in milliseconds."""
    return None if at_ms is None else rfc3339(at_ms)
