"""Hookline as its operator runs it: `hookline run` in a process of its own, with its log."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.deadline import until
from tests.acceptance.receipts import ROOT

_TAIL_LINES = 30
_STOPPED_WITHIN_S = 15.0


class Hookline:
    """One supervisor and its processes."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def log(self) -> str:
        """All it said so far."""
        return self._log.read_text(errors="replace")

    @property
    def tail(self) -> str:
        """The end of what it said, for a person."""
        return "\n".join(self.log.splitlines()[-_TAIL_LINES:])

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def supervisor_pid(self) -> int:
        return self._process.pid

    def said(self, event: str, **fields: object) -> list[dict[str, object]]:
        """The log lines of this event with these fields."""
        lines = [each for line in self.log.splitlines(keepends=True) if line.endswith("}\n") for each in _objects(line)]
        return [line for line in lines if line.get("event") == event and fields.items() <= line.items()]

    def pid(self, role: str, slot: int = 0) -> int:
        """The process of a role, as started last."""
        return int(str(self.said("process started", of=role, of_slot=slot)[-1]["of_pid"]))

    def rss_mb(self, role: str, slot: int = 0) -> float:
        """How much memory a process holds."""
        listed = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid(role, slot))], capture_output=True, check=True)
        return int(listed.stdout) / 1_024

    def kill(self, role: str, slot: int = 0) -> int:
        """SIGKILL a process; returns the pid it had."""
        pid = self.pid(role, slot)
        os.kill(pid, signal.SIGKILL)
        return pid

    def assigned(self, role: str, *, times: int = 1, within_s: float = 30.0) -> None:
        """Wait until processes of this role got partitions so often."""
        self.until_said("partitions assigned", role=role, times=times, within_s=within_s)

    def until_said(self, event: str, *, times: int = 1, within_s: float = 30.0, **fields: object) -> None:
        """Wait until it said this so often."""
        until(
            lambda: len(self.said(event, **fields)) >= times or not self.running,
            within_s=within_s,
            missing=lambda: f"{event!r} {fields} was not said {times} times; its log ends with:\n{self.tail}",
        )
        assert len(self.said(event, **fields)) >= times, f"it ended; its log ends with:\n{self.tail}"

    def admin(self) -> str:
        """Where its admin port is: host:port."""
        self.until_said("admin port")
        said = self.said("admin port")[-1]
        return f"{said['host']}:{said['port']}"

    def stop(self) -> tuple[int, float]:
        """SIGTERM; its exit code and how many seconds it took."""
        began_s = time.monotonic()
        self._process.terminate()
        code = self._process.wait(_STOPPED_WITHIN_S)
        return code, time.monotonic() - began_s

    def wait(self, within_s: float) -> int:
        """Its exit code, when it ends by itself."""
        return self._process.wait(within_s)


def _objects(line: str) -> Iterator[dict[str, object]]:
    """The objects of a line of the log: processes share it, and two may write at the same moment."""
    decoder = json.JSONDecoder()
    at = 0
    while (at := line.find("{", at)) >= 0:
        found, at = decoder.raw_decode(line, at)
        yield found


@contextmanager
def hookline(
    environment: Mapping[str, str],
    folder: Path,
    *arguments: str,
    log_name: str = "hookline.log",
    python: str = sys.executable,
) -> Iterator[Hookline]:
    """`hookline run ARGUMENTS`, which ends with this context, and with this process."""
    words = [python, *command("run", "--until-input-ends", *arguments)[1:]]
    with (folder / log_name).open("ab") as log:
        alone = {"HOOKLINE_ADMIN_LISTEN": "127.0.0.1:0", **environment}
        process = subprocess.Popen(words, cwd=folder, env=clean(alone), stdin=subprocess.PIPE, stderr=log)
    with process:
        try:
            yield Hookline(process, folder / log_name)
        finally:
            process.terminate()
            try:
                process.wait(_STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


def command(*arguments: str) -> Sequence[str]:
    """The command line `hookline ARGUMENTS`."""
    return [sys.executable, "-m", "consumer.cli.app", *arguments]


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these settings of Hookline and no others."""
    # A thousand processes start in an hour of chaos. Without compiled files each compiles all of Hookline, which is a
    # quarter of that machine's time.
    unwanted = ("HOOKLINE_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "PYTHONPATH": str(ROOT), **environment}
