"""`python -m tests.chaos.rolling [--minutes 20] [--base REV] [--plant BUG]`. The last line is the verdict.

With `--base` deployments go from that commit's code to ours and back, three at least; `--plant` puts a bug into ours.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.bugs import ALL
from tests.chaos.rolling.pods import NotReady
from tests.chaos.rolling.run import EVENTS_A_SECOND, run, targets
from tests.chaos.rolling.versions import NoSuchVersion, here, of_commit

_FORTH_AND_BACK = 3  # there, back, and there again over what was written meanwhile


def main() -> int:
    """Roll; 0 when every target was met."""
    arguments = argparse.ArgumentParser(prog="chaos.rolling", description="Deploy again and again under load.")
    arguments.add_argument("--minutes", type=float, default=20.0)
    arguments.add_argument("--base", metavar="REV", help="take turns with the code of this commit")
    arguments.add_argument("--plant", metavar="BUG", choices=sorted(ALL), help="a bug in every process of ours")
    arguments.add_argument("--rate", type=float, default=EVENTS_A_SECOND, help="events a second")
    arguments.add_argument("--dynamic", action="store_true", help="no static members, in StatefulSets too")
    arguments.add_argument("--keep", type=Path, help="a folder for logs and ledgers, which stays")
    asked = arguments.parse_args()
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="hookline-rolling-")))
        try:
            base = open_.enter_context(of_commit(asked.base, folder)) if asked.base else None
            outcome = run(
                asked.keep or folder / "arena",
                here(asked.plant),
                base,
                length_s=asked.minutes * 60,
                deployments=_FORTH_AND_BACK if base else 1,
                a_second=asked.rate,
                static=not asked.dynamic,
            )
        except (NoSuchVersion, NotReady) as error:
            sys.stdout.write(f"rolling: FAIL: {error}\n")
            return 1
        except AssertionError as error:
            sys.stdout.write(f"rolling: FAIL: it did not come to its end: {error}\n")
            return 1
    found = targets(outcome)
    for each in found:
        sys.stdout.write(f"{each.name}: wanted {each.wanted}, found {each.found}: {'ok' if each.met else 'MISSED'}\n")
    missed = [each.name for each in found if not each.met]
    sys.stdout.write(f"rolling: {'FAIL: ' + ', '.join(missed) if missed else 'PASS'}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
