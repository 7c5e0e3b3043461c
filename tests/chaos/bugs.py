"""What may be planted in the real processes: the simulator's bugs, and one that only a hostile endpoint brings out.

The law: as `tests/simulation/planted.py` has it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from unittest.mock import patch

from consumer.delivery import outcome
from consumer.delivery.retry_after import asked_ms
from tests.simulation.planted import BUGS

Patch = Any  # what patch.object returns; mock types it no closer


def _long_retry_after_raises() -> list[Patch]:
    def taken_at_its_word(value: str, now_ms: int) -> int | None:
        if value.strip().isdigit():
            float(int(value))  # raises for what has more digits than a number
        return asked_ms(value, now_ms)

    return [patch.object(outcome, "asked_ms", taken_at_its_word)]


ALL: Final[Mapping[str, Callable[[], list[Patch]]]] = {
    **{name: bug.patches for name, bug in BUGS.items()},
    "long Retry-After raises": _long_retry_after_raises,
}
