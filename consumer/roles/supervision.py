"""What becomes of the supervised processes: a state machine without clock, signals or processes.

The law: until a stop, each member is alive or has a time at which it is started again; after it, none is ever
started, and the exit code is given exactly when none is alive any more.

    waiting ──start──► alive ──exit──► waiting (0.5 s, 1 s, 2 s … 30 s; from 0.5 s again after a quiet minute)
       │                 │  └─exit 78─► every member is stopped, exit 78
       └──────stop───────┴──► terminated ──(stop_within_s)──► killed
"""

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass

from consumer.roles.role import Role

FIRST_DELAY_S = 0.5  # well inside a static member's session of 20 s: its partitions are not given to others
LAST_DELAY_S = 30.0
QUIET_S = 60.0
STOP_WITHIN_S = 9.5  # at least: 10 s in all, with half a second for the kills to arrive
ASKED_ONCE_S = 0.5  # shorter than anybody needs to press Ctrl-C a second time on purpose
_BESIDE_A_DRAIN_S = 1.5  # for a process's last commit, and to close its clients

_INTERRUPTED = 128 + signal.SIGINT


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Member:
    """One process: the `slot`-th of its role, counted from 0."""

    role: Role
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What to do now, in this order, and when to ask again at the latest (monotonic seconds; None: no need).

    When `exit_code` is not None there is nothing left to do but to exit with it.
    """

    start: tuple[Member, ...] = ()
    terminate: tuple[Member, ...] = ()
    kill: tuple[Member, ...] = ()
    wake_at_s: float | None = None
    exit_code: int | None = None


@dataclass(slots=True, kw_only=True)
class _Life:
    start_at_s: float = float("-inf")
    started_at_s: float = 0.0
    alive: bool = False
    crashes: int = 0
    terminated: bool = False
    killed: bool = False


def stop_within_s(drain_s: float) -> float:
    """How long a process that was asked to stop may take, where its attempts may take so long."""
    return max(STOP_WITHIN_S, drain_s + _BESIDE_A_DRAIN_S)


def is_asked_again(first_s: float, now_s: float) -> bool:
    """Whether whoever asked for the end first then asks for it again now.

    A process and then its whole group are signalled by `timeout`, for one: who does that has asked once.
    """
    return now_s - first_s >= ASKED_ONCE_S


class Supervision:
    """The members' lives. Times are monotonic seconds and never go back.

    What still runs `stop_within_s` seconds after the stop is killed.
    """

    def __init__(self, members: Iterable[Member], stop_within_s: float = STOP_WITHIN_S) -> None:
        self._stop_within_s = stop_within_s
        self._lives = {member: _Life() for member in members}
        self._kill_at_s: float | None = None
        self._asked_s = 0.0
        self._exit_code = os.EX_OK

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for, by a signal or by a member's exit 78."""
        return self._kill_at_s is not None

    def exited(self, now_s: float, member: Member, code: int) -> float | None:
        """An alive member ended with this code (negative: the signal that ended it).

        Returns: the seconds until it is started again, None when it is not.
        """
        life = self._lives[member]
        life.alive = False
        if self.stopping:
            # SIGTERM can find a process before it can hear it; it had begun nothing then.
            if code not in (os.EX_OK, -signal.SIGTERM) and self._exit_code == os.EX_OK:
                self._exit_code = os.EX_SOFTWARE
            return None
        if code == os.EX_CONFIG:
            self._begin_stop(now_s, os.EX_CONFIG)
            return None
        if now_s - life.started_at_s >= QUIET_S:
            life.crashes = 0
        # 2 ** 10 is past any cap; without the bound a member that crashes for a week overflows a float.
        delay_s = min(FIRST_DELAY_S * 2.0 ** min(life.crashes, 10), LAST_DELAY_S)
        life.crashes += 1
        life.start_at_s = now_s + delay_s
        return delay_s

    def stop(self, now_s: float) -> None:
        """Somebody asked for the end; asked again, it comes at once."""
        if self._kill_at_s is None:
            self._begin_stop(now_s, os.EX_OK)
        elif is_asked_again(self._asked_s, now_s):
            self._kill_at_s = now_s
            self._exit_code = self._exit_code or _INTERRUPTED

    def next(self, now_s: float) -> Actions:
        """What is due. What it names counts as done: a member to start is alive from here on."""
        if self._kill_at_s is None:
            return self._go_on(now_s)
        alive = [(member, life) for member, life in self._lives.items() if life.alive]
        if not alive:
            return Actions(exit_code=self._exit_code)
        if now_s >= self._kill_at_s:
            late = tuple(member for member, life in alive if not life.killed)
            for member in late:
                self._lives[member].killed = True
            return Actions(kill=late)
        fresh = tuple(member for member, life in alive if not life.terminated)
        for member in fresh:
            self._lives[member].terminated = True
        return Actions(terminate=fresh, wake_at_s=self._kill_at_s)

    def _go_on(self, now_s: float) -> Actions:
        due = tuple(member for member, life in self._lives.items() if not life.alive and life.start_at_s <= now_s)
        for member in due:
            life = self._lives[member]
            life.alive, life.started_at_s = True, now_s
        waiting = [life.start_at_s for life in self._lives.values() if not life.alive]
        return Actions(start=due, wake_at_s=min(waiting, default=None))

    def _begin_stop(self, now_s: float, code: int) -> None:
        self._asked_s = now_s
        self._kill_at_s = now_s + self._stop_within_s
        self._exit_code = code
