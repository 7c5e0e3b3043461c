"""`python -m tests.chaos.scenarios NAME…`: each prints what was wanted and found; the last line is the verdict."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.chaos.report import Target
from tests.chaos.scenarios import burst, kafkas, members

SCENARIOS: dict[str, Callable[[Path], list[Target]]] = {
    "killed": members.killed,
    "taken-over": members.taken_over,
    "removed": members.removed,
    "growth": members.growth,
    "growth-consumer": members.growth_consumer,
    "sigterm": members.sigterm,
    "burst": burst.burst,
    "cluster": kafkas.cluster,
    "cut": kafkas.cut,
    "disk-full": kafkas.disk_full,
}


def main(names: Sequence[str]) -> int:
    """Play them, one after the other; 0 when all was as wanted."""
    unknown = set(names) - SCENARIOS.keys() - {"all"}
    if not names or unknown:
        sys.stderr.write(f"usage: python -m tests.chaos.scenarios all|{'|'.join(SCENARIOS)}\n")
        return 64
    missed: list[str] = []
    wanted = list(SCENARIOS) if "all" in names else names
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="hookline-chaos-") as folder:
            found = SCENARIOS[name](Path(folder))
        for target in found:
            mark = "ok" if target.met else "MISSED"
            sys.stdout.write(f"{name}: {target.name}: wanted {target.wanted}, found {target.found}: {mark}\n")
            sys.stdout.flush()
        missed += [name] * any(not target.met for target in found)
    verdict = "PASS" if not missed else f"FAIL ({', '.join(missed)})"
    sys.stdout.write(f"scenarios: {verdict}: {len(wanted) - len(missed)} of {len(wanted)}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
