"""Many command lines, some at a time, each in a process of its own, for the price of one start.

    python -m tests.herd    reads command lines as JSON on standard input, writes a JSON line for the end of each

A process that has imported everything and opened nothing forks for each; with `interrupt` it sends each a SIGINT as
soon as it has opened a socket, and tells how long it took from there.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST_S = 20.0
AT_ONCE = 16
"""More that start at once would make each slow to hear a signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended. `took_s` counts from its start, or from its SIGINT."""

    code: int
    out: str
    err: str
    took_s: float


def herd(
    commands: Mapping[str, Sequence[str]],
    environment: Mapping[str, str],
    folder: Path,
    *,
    interrupt: bool = False,
) -> dict[str, Ended]:
    """Run these command lines, AT_ONCE at a time, in this folder; returns how each ended, by its name."""
    asked = json.dumps({"commands": list(commands.values()), "interrupt": interrupt})
    done = subprocess.run(
        [sys.executable, "-m", "tests.herd"],
        input=asked,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        cwd=folder,
    )
    found = [Ended(**json.loads(line)) for line in done.stdout.splitlines()]
    return dict(zip(commands, found, strict=True))


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from consumer.cli import (  # noqa: F401, PLC0415 # what a command would import after the fork
        api_client,
        app,
        dead_letters,
        direct_jobs,
        direct_keys,
        direct_log,
        direct_webhooks,
        job_installation,
        jobs,
        keys,
        log,
        poison,
        poison_replay,
        publish,
        rotate_encryption,
        sending_again,
        topics,
        webhooks,
    )

    asked = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        numbered = [(Path(folder) / str(number), tokens) for number, tokens in enumerate(asked["commands"])]
        for few in (numbered[at : at + AT_ONCE] for at in range(0, len(numbered), AT_ONCE)):
            _run(few, interrupt=asked["interrupt"])


def _run(few: Sequence[tuple[Path, Sequence[str]]], *, interrupt: bool) -> None:
    """Run these at once, and write how each ended."""
    began = [_begun(tokens, path) for path, tokens in few]
    from_s = dict.fromkeys(began, time.monotonic())
    if interrupt:
        for pid in began:
            _await_socket(pid)
            from_s[pid] = time.monotonic()
            os.kill(pid, signal.SIGINT)
    ends = _ends(from_s)
    for pid, (path, _) in zip(began, few, strict=True):
        code, took_s = ends[pid]
        out, err = (Path(f"{path}.{name}") for name in ("out", "err"))
        ended = Ended(code=code, out=out.read_text(), err=err.read_text(), took_s=took_s)
        sys.stdout.write(json.dumps(asdict(ended)) + "\n")


def _begun(tokens: Sequence[str], path: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    from consumer.cli import app  # noqa: PLC0415 # in the child

    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{path}.{name}", os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["hookline", *tokens]
    code = os.EX_SOFTWARE
    try:
        app.main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _await_socket(pid: int) -> None:
    """Wait until the process speaks to somebody, or has ended before."""
    until_s = time.monotonic() + LONGEST_S
    folder = Path(f"/proc/{pid}/fd")
    while time.monotonic() < until_s and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        try:
            if any(str(each.readlink()).startswith("socket:") for each in folder.iterdir()):
                return
        except FileNotFoundError:  # closed while we looked
            continue
        time.sleep(0.01)


def _ends(from_s: Mapping[int, float]) -> dict[int, tuple[int, float]]:
    watched = {os.pidfd_open(pid): pid for pid in from_s}
    ends: dict[int, tuple[int, float]] = {}
    until_s = max(from_s.values()) + LONGEST_S
    while watched:
        ready, _, _ = select.select(list(watched), [], [], max(0.0, until_s - time.monotonic()))
        for descriptor in ready or list(watched):
            pid = watched.pop(descriptor)
            if not ready:
                os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            ends[pid] = (os.waitstatus_to_exitcode(status), time.monotonic() - from_s[pid])
            os.close(descriptor)
    return ends


if __name__ == "__main__":
    main()
