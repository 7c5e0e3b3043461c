"""`python -m tests.chaos [--minutes 20] [--seed N] [--report PATH] [--keep FOLDER]`. The last line is the verdict."""

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from tests.chaos import report
from tests.chaos.run import EVENTS_A_SECOND, run


def main() -> int:
    """Run it; 0 when every target was met."""
    arguments = argparse.ArgumentParser(prog="chaos", description="Break everything for a while, and judge.")
    arguments.add_argument("--minutes", type=float, default=20.0)
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    arguments.add_argument("--rate", type=float, default=EVENTS_A_SECOND, help="events a second")
    arguments.add_argument("--report", type=Path, help="write the page there too")
    arguments.add_argument("--keep", type=Path, help="a folder for logs and ledgers, which stays")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="hookline-chaos-") as folder:
        outcome = run(asked.keep or Path(folder), seed=asked.seed, length_s=asked.minutes * 60, a_second=asked.rate)
    page = report.page(outcome)
    if asked.report is not None:
        asked.report.write_text(page)
    sys.stdout.write(page)
    return 0 if report.passed(outcome) else 1


if __name__ == "__main__":
    sys.exit(main())
