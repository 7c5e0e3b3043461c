"""`python -m tests.chaos.planted [BUG…]`: bugs planted in the real processes; a minute of chaos has to catch each.

Those that show on real servers within a minute. The last line is the verdict.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.chaos import report
from tests.chaos.bugs import ALL
from tests.chaos.run import run

FOUND_IN_A_MINUTE: Final = (
    "commit before the result",
    "commit highest",
    "miss is no subscribers",
    "retried to all webhooks",
    "due too early",
    "a failed head lets the next pass",
    "unsent dropped at a drain",
    "dead letter under a new id",
    "dead letter beside the retry",
    "Retry-After taken for seconds",
)


def main() -> int:
    """Run them, one after the other; 0 when each was caught."""
    arguments = argparse.ArgumentParser(prog="chaos.planted", description="Does chaos catch what is planted?")
    arguments.add_argument("bugs", nargs="*", default=FOUND_IN_A_MINUTE, metavar="BUG")
    arguments.add_argument("--seed", type=int, default=2026)
    arguments.add_argument("--seconds", type=float, default=60.0)
    asked = arguments.parse_args()
    if unknown := set(asked.bugs) - ALL.keys():
        arguments.error(f"no such bug: {', '.join(unknown)}; there are: {', '.join(ALL)}")
    missed = []
    for name in asked.bugs:
        broken = caught(name, seed=asked.seed, length_s=asked.seconds)
        sys.stdout.write(f"{name}: {', '.join(broken) or 'MISSED'}\n")
        sys.stdout.flush()
        if not broken:
            missed.append(name)
    caught_all = f"{len(asked.bugs) - len(missed)} of {len(asked.bugs)} caught"
    sys.stdout.write(f"chaos.planted: {'FAIL' if missed else 'PASS'}: {caught_all}\n")
    return 1 if missed else 0


def caught(bug: str, *, seed: int, length_s: float) -> list[str]:
    """What the checker says of a run with this bug."""
    with tempfile.TemporaryDirectory(prefix="hookline-planted-") as folder:
        try:
            return report.broken(run(Path(folder), seed=seed, length_s=length_s, bug=bug))
        except AssertionError as error:
            return [f"did not come to its end ({str(error).splitlines()[0][:80]})"]


if __name__ == "__main__":
    sys.exit(main())
