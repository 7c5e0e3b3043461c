"""One seed, of whichever kind it is.

Every tenth one is a seed of capacity, the others are worlds of faults.
"""

from typing import Final

from tests.simulation import world
from tests.simulation.capacity.run import run_case
from tests.simulation.capacity.seeds import DELIVERIES, case_of
from tests.simulation.world import Verdict

_CAPACITY: Final = 9  # the last digit of its seeds


def is_of_capacity(seed: int) -> bool:
    """Whether it is a seed of capacity."""
    return seed % 10 == _CAPACITY


def run(seed: int, deliveries: int) -> Verdict:
    """From its beginning to its end."""
    if is_of_capacity(seed):
        return run_case(case_of(seed, min(deliveries, DELIVERIES)), seed)[0]
    return world.run(seed, deliveries)
