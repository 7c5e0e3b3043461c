"""`python -m tests.simulation.capacity CASE…`: the cases of the issue, and what was measured of each.

A number in place of a name is a seed of capacity.
"""

import argparse
import sys
import time

from tests.simulation.capacity.case import Case
from tests.simulation.capacity.run import run_case
from tests.simulation.capacity.seeds import case_of
from tests.simulation.capacity.table import CASES
from tests.simulation.seeds import quietly


def main() -> int:
    """Run, print, and exit 0 when all laws held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.capacity", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(CASES)}, or a seed")
    parser.add_argument("--deliveries", type=int, default=400, help="of a seed")
    parser.add_argument("--strict", action="store_true", help="stop a case where the first law is broken")
    options = parser.parse_args()
    quietly()
    broken = 0
    for name in options.names or CASES:
        began_s = time.process_time()
        case, seed = _case(name, options.deliveries)
        verdict, laws = run_case(case, seed, strict=options.strict)
        print(f"{case.name}  ({time.process_time() - began_s:.1f} s)")
        for line in laws.figures():
            print(f"  {line}")
        if verdict.violation is not None:
            print(f"  {verdict.violation}")
            for line in verdict.excerpt:
                print(f"    {line}")
        broken += bool(laws.broken) or verdict.violation is not None
    return 1 if broken else 0


def _case(name: str, deliveries: int) -> tuple[Case, int]:
    return (case_of(int(name), deliveries), int(name)) if name.isdigit() else (CASES[name], 0)


if __name__ == "__main__":
    sys.exit(main())
