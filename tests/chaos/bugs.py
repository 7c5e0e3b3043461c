"""What may be planted in the real processes: the simulator's bugs, and one that only a hostile endpoint brings out.

The law: as `tests/simulation/planted.py` has it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from unittest.mock import patch

from consumer.delivery import outcome
from tests.simulation.planted import BUGS

Patch = Any  # what patch.object returns; mock types it no closer


def _retry_after_taken_for_seconds() -> list[Patch]:
    return [patch.object(outcome, "asked_ms", lambda value, _now_ms: int(value) * 1_000)]  # raises for all else


ALL: Final[Mapping[str, Callable[[], list[Patch]]]] = {
    **{name: bug.patches for name, bug in BUGS.items()},
    "Retry-After taken for seconds": _retry_after_taken_for_seconds,
}
