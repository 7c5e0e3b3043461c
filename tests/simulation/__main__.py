"""`python -m tests.simulation`: many seeds, or one again, or a soak with a report."""

import argparse
import itertools
import sys
from pathlib import Path

from tests.simulation import report
from tests.simulation.run import Kind, run, seeds_of
from tests.simulation.seeds import Tally, quietly, run_all

_SHOWN = 3  # broken seeds; the others are counted


def main() -> int:
    """Run, print, and exit 0 when the promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many, from 0 on")
    parser.add_argument("--seed", type=int, help="this one only")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--kind", type=Kind, choices=Kind, help="those of this kind only")
    parser.add_argument("--deliveries", type=int, default=1_100, help="deliveries due in each; some leave the promise")
    parser.add_argument("--minutes", type=float, help="as many seeds as fit into this time")
    parser.add_argument("--report", type=Path, help="write the figures to this page too")
    options = parser.parse_args()
    if options.seed is not None:
        quietly()
        tally = Tally()
        tally.add(run(options.seed, options.deliveries))
        tally.busy_s = tally.took_s
    elif options.minutes is not None:
        until_s = options.minutes * 60
        tally = run_all(
            seeds_of(options.kind, options.first),
            options.deliveries,
            until=lambda so_far: so_far.took_s > until_s or len(so_far.broken) >= _SHOWN,
        )
    else:
        seeds = itertools.islice(seeds_of(options.kind, options.first), options.seeds)
        tally = run_all(seeds, options.deliveries, until=lambda so_far: len(so_far.broken) >= _SHOWN)
    for line in report.lines(tally):
        print(line)
    for verdict in tally.broken[:_SHOWN]:
        print()
        for line in report.failure(verdict, options.deliveries):
            print(line)
    if options.report is not None:
        options.report.write_text(report.markdown(tally, options.deliveries), encoding="utf-8")
    print()
    print(report.verdict_line(tally))
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
