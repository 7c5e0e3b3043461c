"""The supervisor: starts the roles' processes, keeps them alive, ends them together.

The law: everything is decided in `supervision`; here it is done. No process outlives the supervisor: each child's
standard input is a pipe whose other end only the supervisor holds.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty
from typing import assert_never

import structlog

from consumer.roles.admin import Admin
from consumer.roles.cores import granted
from consumer.roles.inbox import Exited, Inbox, StopAsked
from consumer.roles.role import Role
from consumer.roles.supervision import STOP_WITHIN_S, Member, Supervision

_log = structlog.get_logger("supervisor")


def members_of(roles: Sequence[Role], processes: int | None) -> list[Member]:
    """The processes to run: `processes` of deliver (None: one a core granted), one of each other role; no role: all."""
    wanted = set(roles) or set(Role)
    numbers = {Role.DELIVER: granted() if processes is None else processes}
    return [Member(role=role, slot=slot) for role in Role if role in wanted for slot in range(numbers.get(role, 1))]


def command_of(member: Member) -> list[str]:
    """A fresh interpreter: nothing of the supervisor's memory, threads or librdkafka handles is inherited.

    `-P`: whoever runs Hookline may stand in a folder with a package `consumer` of their own.
    """
    return [sys.executable, "-P", "-m", "consumer.roles.process", member.role, str(member.slot)]


def supervise(
    members: Sequence[Member],
    inbox: Inbox,
    *,
    command: Callable[[Member], list[str]] = command_of,
    stop_within_s: float = STOP_WITHIN_S,
    admin: Admin | None = None,
) -> int:
    """Run the members until somebody asks for the end or one finds its configuration wrong; returns the exit code.

    What still runs `stop_within_s` seconds after that is killed. `admin` hears of all of it, and each process is given
    a pipe to tell it how it does.
    """
    supervision = Supervision(members, stop_within_s)
    children: dict[Member, subprocess.Popen[bytes]] = {}
    while True:
        _drain(inbox, supervision, admin)
        step = supervision.next(time.monotonic())
        for member in step.start:
            children[member] = _start(member, command(member), inbox, admin)
        for member in step.terminate:
            children[member].terminate()
        for member in step.kill:
            _log.warning("killed: it did not drain in time", of=member.role, of_slot=member.slot)
            children[member].kill()
        if step.exit_code is not None:
            return step.exit_code
        if step.start or step.terminate or step.kill:
            continue
        _wait(inbox, supervision, admin, step.wake_at_s)


def _wait(inbox: Inbox, supervision: Supervision, admin: Admin | None, wake_at_s: float | None) -> None:
    timeout_s = None if wake_at_s is None else max(0.0, wake_at_s - time.monotonic())
    try:
        message = inbox.get(timeout=timeout_s)
    except Empty:
        return
    _tell(message, supervision, admin)


def _drain(inbox: Inbox, supervision: Supervision, admin: Admin | None) -> None:
    while not inbox.empty():
        _tell(inbox.get(), supervision, admin)


def _tell(message: StopAsked | Exited, supervision: Supervision, admin: Admin | None) -> None:
    now_s = time.monotonic()
    match message:
        case StopAsked():
            _log.info("stopping", at_once=supervision.stopping)
            supervision.stop(now_s)
        case Exited(member=member, code=code):
            again_in_s = supervision.exited(now_s, member, code)
            say = _log.warning if again_in_s is not None else _log.info
            say("process ended", of=member.role, of_slot=member.slot, code=code, again_in_s=again_in_s)
            if admin is not None:
                admin.ended(member, code)
        case _:
            assert_never(message)
    if admin is not None and supervision.stopping:
        admin.stopping()


def _start(member: Member, command: list[str], inbox: Inbox, admin: Admin | None) -> subprocess.Popen[bytes]:
    if admin is None:
        child = _spawn(command, ())
    else:
        reading, writing = os.pipe()
        try:
            child = _spawn([*command, str(writing)], (writing,))
        finally:
            os.close(writing)
        admin.started(member, child.pid, reading)
    _log.info("process started", of=member.role, of_slot=member.slot, of_pid=child.pid)
    lifeline = child.stdin
    assert lifeline is not None

    def wait() -> None:
        code = child.wait()
        lifeline.close()
        inbox.put(Exited(member=member, code=code))

    threading.Thread(target=wait, name=f"{member.role}-{member.slot}", daemon=True).start()
    return child


def _spawn(command: list[str], kept: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """`kept` are the descriptors that it inherits."""
    # A group of its own: a terminal's Ctrl-C reaches only the supervisor, which then ends its children in order.
    return subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0, pass_fds=kept)  # noqa: S603  # our own words
