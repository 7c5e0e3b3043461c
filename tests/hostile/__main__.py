"""`python -m tests.hostile --cases 100000 [--seed N]`: the law, case by case; the last line is the verdict."""

import argparse
import sys

from tests.hostile.run import run


def main() -> int:
    """Try so many cases and print what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    report = run(asked.cases, asked.seed, say=lambda line: sys.stdout.write(f"{line}\n"))
    for fault, detail in report.found.items():
        sys.stdout.write(f"\n{fault} ({report.times[fault]} times)\n  {detail[:1_000]}\n")
    sys.stdout.write(f"{report.verdict}\n")
    return 1 if report.found else 0


if __name__ == "__main__":
    sys.exit(main())
