"""Every test runs, first the many in parallel, then those that need the machine for themselves; the last line counts.

Exits 0 only when every part passed and some test ran.

The law: it ends, whatever hangs. A test has 240 s or as long as it says itself; one that hears no signal any more ends
its process after 540 s (`pyproject.toml`); a part has 40 minutes. Each says with the stacks of all threads what hung.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / ".cache" / "reports"
PART_S = 2_400
STACKS_S = 5.0
STOP_S = 20.0
HUNG = 124  # as `timeout` says it
NO_TESTS = 5  # pytest's exit code for "none collected"
# Hundreds of interpreters start in a run. Each would compile all of Hookline anew: a quarter of the CPU of its start.
UNWANTED = {"PYTHONDONTWRITEBYTECODE"}
# Most tests wait for processes and hardly compute: four at once fill two cores. What reads the clock is serial.
# Those in a browser are `make test-browser`, but for a small core; those of the rendered chart `make test-deploy`.
OTHERS = "not serial and not browser and not deploy"
PARTS = {"parallel": ["-m", OTHERS, "-n", "4", "--dist", "worksteal"], "serial": ["-m", "serial"]}
SERIAL = "pytest.mark.serial"


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


def bounded(command: list[str], most_s: float) -> int:
    """Run it in a process group of its own; its exit code, or HUNG when it took longer and was ended.

    pytest has Python's faulthandler write every thread's stack when SIGABRT comes, without the interpreter's lock.
    """
    environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    running = subprocess.Popen(command, cwd=ROOT, env=environment, process_group=0)
    try:
        return running.wait(most_s)
    except subprocess.TimeoutExpired:
        print(f"\nhung: ended after {most_s:g} s, with these stacks", flush=True)
        os.killpg(running.pid, signal.SIGABRT)
        time.sleep(STACKS_S)
        return HUNG
    except KeyboardInterrupt:
        os.killpg(running.pid, signal.SIGINT)  # it is not in the terminal's foreground, and has services to stop
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(STOP_S)
        raise
    finally:
        _end(running)


def _end(running: "subprocess.Popen[bytes]") -> None:
    """Nothing of its group outlives it, also when we are interrupted ourselves."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def places(part: str) -> list[str]:
    """Where the tests of a part are: to look for the few serial ones everywhere takes ten seconds."""
    if part != "serial":
        return []
    return [str(path) for path in sorted((ROOT / "tests").rglob("test_*.py")) if SERIAL in path.read_text()]


def run(part: str, options: list[str]) -> tuple[bool, Count]:
    """Run one part; whether pytest was content, and what it counted."""
    report = REPORTS / f"{part}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *options, *places(part)]
    code = bounded(command, PART_S)
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
