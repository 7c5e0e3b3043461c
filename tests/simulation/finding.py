"""`python -m tests.simulation.finding [NAME …]`: seeds that find planted bugs. Prints up to three of each.

The law: a seed is named when it tells of the bug's own law, and keeps every law without the bug.
"""

import argparse
import sys

from tests.simulation.capacity.planted import BUGS as OF_CAPACITY
from tests.simulation.planted import BUGS as OF_FAULTS
from tests.simulation.planted import DELIVERIES, Bug, planting
from tests.simulation.run import Kind, run, seeds_of
from tests.simulation.seeds import quietly

_ENOUGH = 3


def seeds_that_find(bug: Bug, kind: Kind, first: int, last: int) -> list[int]:
    """Of the seeds of this kind from first to last, the first few that find it."""
    found: list[int] = []
    for seed in seeds_of(kind, first):
        if seed > last or len(found) == _ENOUGH:
            break
        with planting(bug):
            told = bug.is_told_by(run(seed, DELIVERIES))
        if told and run(seed, DELIVERIES).violation is None:
            found.append(seed)
    return found


def main() -> None:
    """Look for seeds of the bugs that are named, or of all."""
    parser = argparse.ArgumentParser(description="Look for seeds that find planted bugs.")
    known = [*OF_FAULTS, *OF_CAPACITY, []]  # Python 3.11 looks for the empty list where none is named
    parser.add_argument(
        "names", nargs="*", choices=known, metavar="NAME", help="bugs of tests/simulation (by default all)"
    )
    parser.add_argument("--first", type=int, default=0, help="the first seed to try (%(default)s)")
    parser.add_argument("--last", type=int, default=400, help="the last seed to try (%(default)s)")
    asked = parser.parse_args()
    quietly()
    for kind, bugs in ((Kind.FAULTS, OF_FAULTS), (Kind.CAPACITY, OF_CAPACITY)):
        for name, bug in bugs.items():
            if not asked.names or name in asked.names:
                sys.stdout.write(f"{name}: {seeds_that_find(bug, kind, asked.first, asked.last)}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
