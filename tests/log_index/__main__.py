"""`python -m tests.log_index [--seeds 10000 | --seed N]`: the index against its topic; the last line is the verdict."""

import argparse
import sys

from tests.log_index.world import Differs, run


def main() -> int:
    """0 when no seed found a difference."""
    arguments = argparse.ArgumentParser(prog="python -m tests.log_index", description=__doc__)
    arguments.add_argument("--seeds", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, help="this one only")
    asked = arguments.parse_args()
    differing = 0
    seeds = range(asked.seeds) if asked.seed is None else [asked.seed]
    for seed in seeds:
        try:
            run(seed)
        except Differs as difference:
            differing += 1
            sys.stdout.write(f"seed {seed}: {difference}\n")
    sys.stdout.write(f"log index: {len(seeds):,} seeds, {differing} with a difference between index and topic\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
