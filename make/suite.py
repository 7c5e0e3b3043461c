"""Every test runs, first the many in parallel, then those that need the machine for themselves; the last line counts.

Exits 0 only when every part passed and some test ran.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / ".cache" / "reports"
NO_TESTS = 5  # pytest's exit code for "none collected"
PARTS = {"parallel": ["-m", "not serial", "-n", "2"], "serial": ["-m", "serial"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What one part of the suite came to."""

    passed: int
    failed: int
    skipped: int

    def __add__(self, other: "Count") -> "Count":
        return Count(
            passed=self.passed + other.passed,
            failed=self.failed + other.failed,
            skipped=self.skipped + other.skipped,
        )


def read(report: Path) -> Count:
    """Count one JUnit report; errors are failures."""
    passed = failed = skipped = 0
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - pytest wrote it
        bad = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
        failed += bad
        skipped += int(suite.get("skipped", "0"))
        passed += int(suite.get("tests", "0")) - bad - int(suite.get("skipped", "0"))
    return Count(passed=passed, failed=failed, skipped=skipped)


def run(part: str, options: list[str]) -> tuple[bool, Count]:
    """Run one part; whether pytest was content, and what it counted."""
    report = REPORTS / f"{part}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *options]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    count = read(report) if report.exists() else Count(passed=0, failed=0, skipped=0)
    return code in (0, NO_TESTS), count


def main() -> int:
    """Run all parts, also after a failed one, and print the verdict."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    total = Count(passed=0, failed=0, skipped=0)
    content = True
    for part, options in PARTS.items():
        fine, count = run(part, options)
        content, total = content and fine, total + count
    verdict = "PASS" if content and total.passed and not total.failed else "FAIL"
    print(f"\n{verdict}: {total.skipped} skipped, {time.monotonic() - began:.0f} s")
    print(f"tests: {total.passed} passed, {total.failed} failed")
    return 0 if verdict == "PASS" else 1


if __name__ == "__main__":
    sys.exit(main())
