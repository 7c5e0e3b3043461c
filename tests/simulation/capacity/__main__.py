"""`python -m tests.simulation.capacity CASE…`: the cases of the issue, and what was measured of each."""

import sys
import time

from tests.simulation.capacity.run import run_case
from tests.simulation.capacity.table import CASES
from tests.simulation.seeds import quietly


def main(names: list[str]) -> int:
    """Run, print, and exit 0 when all laws held."""
    quietly()
    broken = 0
    for name in names or CASES:
        began_s = time.process_time()
        verdict, laws = run_case(CASES[name], strict=False)
        print(f"{name}  ({time.process_time() - began_s:.1f} s)")
        for line in laws.figures():
            print(f"  {line}")
        if verdict.violation is not None:
            print(f"  {verdict.violation}")
            for line in verdict.excerpt:
                print(f"    {line}")
        broken += bool(laws.broken) or verdict.violation is not None
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
