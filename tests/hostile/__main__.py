"""`python -m tests.hostile --cases 100000 [--seed N] [--begin CASE]`: the law, case by case; the end tells all."""

import argparse
import sys

from tests.hostile.run import run


def main() -> int:
    """Try so many cases and print what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--begin", type=int, default=0, metavar="CASE", help="a multiple of 1,000: go on from there")
    asked = parser.parse_args()
    report = run(asked.cases, asked.seed, begin=asked.begin, say=_say)
    for fault in report.found:
        sys.stdout.write(f"{fault}: {report.times[fault]} times\n")
    sys.stdout.write(f"{report.verdict}\n")
    return 1 if report.found else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
