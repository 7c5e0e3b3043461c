"""The supervisor with real processes and real signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consumer.roles.supervision import ASKED_ONCE_S

SHELL = """
import sys
from consumer.roles.role import Role
from consumer.roles.supervision import Member
from consumer.roles.supervisor import supervise
from consumer.roles.inbox import of_signals
inbox = of_signals()
child = sys.argv[1]
members = [Member(role=Role.DELIVER, slot=0), Member(role=Role.RETRY, slot=0)]
command = lambda m: [sys.executable, "-c", child, m.role, sys.argv[2]]
sys.exit(supervise(members, inbox, command=command, stop_within_s=float(sys.argv[3])))
"""
# A well-behaved child: notes its life in a file of its own and drains when asked to.
CHILD = """
import os, sys
from pathlib import Path
from consumer.roles.stop import event_of_child
stop = event_of_child()
path = Path(sys.argv[2]) / f"{sys.argv[1]}-{os.getpid()}"
path.write_text("alive")
while not stop.wait(0.05):
    if (Path(sys.argv[2]) / f"crash-{sys.argv[1]}").exists():
        (Path(sys.argv[2]) / f"crash-{sys.argv[1]}").unlink()
        sys.exit(70)
    if (Path(sys.argv[2]) / "misconfigured").exists():
        sys.exit(78)
path.write_text("drained")
"""
DEAF = """
import os, signal, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
(Path(sys.argv[2]) / f"{sys.argv[1]}-{os.getpid()}").write_text("alive")
time.sleep(60)
"""


@contextmanager
def supervisor(child: str, notes: Path, stop_within_s: float = 9.5) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SHELL, child, str(notes), str(stop_within_s)]) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(notes: Path, pattern: str, number: int, text: str = "alive") -> list[Path]:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        found = [path for path in notes.glob(pattern) if path.read_text() == text]
        if len(found) == number:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not {number} of {pattern} {text}: {[(p.name, p.read_text()) for p in notes.iterdir()]}")


def test_sigterm_drains_every_process_and_exits_0(tmp_path: Path) -> None:
    with supervisor(CHILD, tmp_path) as process:
        wait_for(tmp_path, "*-*", 2)
        process.send_signal(signal.SIGTERM)

        assert process.wait(10) == 0
    wait_for(tmp_path, "*-*", 2, "drained")


def test_sigterm_is_heard_while_the_children_start(tmp_path: Path) -> None:
    with supervisor(CHILD, tmp_path) as process:
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)

        # Before the handlers are there, the signal ends the interpreter itself: nothing was started then.
        assert process.wait(10) in (0, -signal.SIGTERM)


def test_a_crashed_process_comes_back_and_its_neighbour_stays(tmp_path: Path) -> None:
    with supervisor(CHILD, tmp_path) as process:
        wait_for(tmp_path, "*-*", 2)
        began = time.monotonic()
        (tmp_path / "crash-deliver").touch()
        wait_for(tmp_path, "deliver-*", 2)

        assert time.monotonic() - began < 5, "too late for a static member's session"
        assert len(list(tmp_path.glob("retry-*"))) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_wrong_configuration_ends_all_with_78(tmp_path: Path) -> None:
    with supervisor(CHILD, tmp_path) as process:
        wait_for(tmp_path, "*-*", 2)
        (tmp_path / "misconfigured").touch()

        assert process.wait(10) == 78


def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    with supervisor(CHILD, tmp_path) as process:
        wait_for(tmp_path, "*-*", 2)
        process.kill()
        wait_for(tmp_path, "*-*", 2, "drained")


def test_the_second_interrupt_ends_deaf_children_at_once(tmp_path: Path) -> None:
    with supervisor(DEAF, tmp_path) as process:
        children = [int(path.name.rpartition("-")[2]) for path in wait_for(tmp_path, "*-*", 2)]
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(ASKED_ONCE_S + 0.2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)

        assert process.wait(5) == 130
        assert time.monotonic() - began < 5
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_deaf_children_are_killed_when_their_time_is_over(tmp_path: Path) -> None:
    with supervisor(DEAF, tmp_path, stop_within_s=2.0) as process:
        wait_for(tmp_path, "*-*", 2)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)

        assert process.wait(11) == 70
        assert 2 <= time.monotonic() - began < 8


def test_a_signal_that_a_long_call_held_back_is_heard_when_the_call_has_failed() -> None:
    held_back = """
import os, signal, sys
from consumer.roles.stop import asked_meanwhile, event_of_child
stop = event_of_child()
os.kill(os.getpid(), signal.SIGTERM)
sys.exit(0 if asked_meanwhile(stop) else 69)
"""
    with subprocess.Popen([sys.executable, "-c", held_back], stdin=subprocess.PIPE) as process:
        assert process.wait(10) == 0
