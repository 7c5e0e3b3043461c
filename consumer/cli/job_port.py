"""What the commands ask of jobs, answered by Kafka (`direct_jobs.py`) or by the API (`remote_jobs.py`).

The law: as `webhook_port.py` has it; a job is the one that the API shows.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from consumer.cli.exits import CommandFailed, bad_input
from consumer.cli.webhook_port import Shown
from consumer.jobs.job import State
from consumer.replay.plan import Place


class Change(StrEnum):
    """What is made of a job."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a job goes. `rate_per_s` None is the usual one. `dry_run`: it is counted, and waits to be started."""

    again: bool = False
    rate_per_s: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWanted:
    """Which deliveries of a webhook are sent again: those of these ids, or those that match.

    The fields of the latter are the API's: times are text, empty is not asked for, no `status` means what failed.
    """

    deliveries: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    position: Place = Place.BEFORE
    pace: Pace = Pace()

    @property
    def matches(self) -> bool:
        """Whether anything is asked for that a delivery has to match."""
        return bool(self.status or self.code or self.reason or self.type or self.since or self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryWanted:
    """Of which time a webhook is sent what it missed. No `types`: all that it wants."""

    since: str
    until: str | None = None
    types: tuple[str, ...] = ()
    pace: Pace = Pace()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A job as it stands. `stopped`: it ran in this process, and Ctrl-C stopped it."""

    job: Shown
    stopped: bool = False


class JobPort(Protocol):
    """The jobs of one tenant and brand.

    Each method may raise FieldInvalid, WebhookUnknown and CommandFailed, for what cannot be done, and KafkaBroken,
    CacheUnavailable or CommandFailed, for what is out of reach or not allowed.
    """

    @property
    def way(self) -> str:
        """The flags by which a later command reaches the same jobs."""

    def replay(self, webhook: str, wanted: ReplayWanted) -> Told:
        """A job that sends deliveries again. Raises `refused`."""

    def recover(self, webhook: str, wanted: RecoveryWanted) -> Told:
        """A job that sends what was missed. Raises `refused`."""

    def resend(self, delivery: str, *, webhook: str | None, again: bool) -> Told:
        """A job of one. Raises `delivery_unknown`, `refused`."""

    def resend_now(self, delivery: str, *, webhook: str | None, again: bool) -> Shown:
        """One attempt of it at once, as the API shows an attempt. Raises `delivery_unknown`, `refused`."""

    def listed(self, *, webhook: str | None, state: State | None) -> Iterator[Shown]:
        """Those that are meant, the newest first."""

    def show(self, job: str) -> Shown:
        """One of them. Raises `job_unknown`."""

    def change(self, job: str, change: Change) -> Told:
        """One of them, changed. Raises `job_unknown`, and `refused` where that cannot be made of it."""


def job_unknown(name: str) -> CommandFailed:
    """There is no such job: 65."""
    return bad_input(f"there is no job {name}: a job is kept for 7 days after its end", field="job")


def delivery_unknown(name: str) -> CommandFailed:
    """There is no such delivery: 65."""
    return bad_input(f"there is no delivery {name}, or it was too long ago", field="delivery")


def refused(why: str, *, other: str | None = None) -> CommandFailed:
    """It cannot be done as things are: 75. `other` is the job that is in the way."""
    return CommandFailed(os.EX_TEMPFAIL, why if other is None else f"{why} ({other})")


ENDED: Final = frozenset({State.DONE, State.CANCELED, State.FAILED})


def hindrance(change: Change, state: State) -> str | None:
    """Why a job in this state cannot be changed so; None where it can, or is so already."""
    if state in ENDED:
        so = change is Change.CANCEL and state is State.CANCELED
        return None if so else f"the job has ended ({state}): nothing more comes of it, ask for a new one"
    match change, state:
        case Change.START, State.COUNTING:
            return "the job is still counted: start it when its state is counted"
        case Change.START, State.PAUSED:
            return "the job was started, and is paused: resume it, or cancel it"
        case ((Change.PAUSE | Change.RESUME), (State.COUNTING | State.COUNTED)):
            return "the job was counted, and not started: start it, or cancel it"
        case _:
            return None
