"""One seed, of whichever kind it is.

Every tenth one is a seed of capacity, the others are worlds of faults.
"""

import itertools
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from tests.simulation import world
from tests.simulation.capacity.run import run_case
from tests.simulation.capacity.seeds import DELIVERIES, case_of
from tests.simulation.world import Verdict

_CAPACITY: Final = 9  # the last digit of its seeds


class Kind(StrEnum):
    """Which worlds."""

    CAPACITY = "capacity"
    FAULTS = "faults"


def kind_of(seed: int) -> Kind:
    """Its kind."""
    return Kind.CAPACITY if seed % 10 == _CAPACITY else Kind.FAULTS


def seeds_of(kind: Kind | None, first: int) -> Iterator[int]:
    """All seeds of this kind from the first on, without end; of any kind for None."""
    return (seed for seed in itertools.count(first) if kind is None or kind_of(seed) is kind)


def run(seed: int, deliveries: int) -> Verdict:
    """From its beginning to its end."""
    if kind_of(seed) is Kind.CAPACITY:
        return run_case(case_of(seed, min(deliveries, DELIVERIES)), seed)[0]
    return world.run(seed, deliveries)
