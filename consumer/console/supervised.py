"""How the processes of this machine do, as their supervisor tells it, and how much they did since it was asked before.

The law: nothing is added up over a start of a process: a sum that fell tells no pace.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from consumer.telemetry.admin_client import AdminSilent, asked, place_of

SILENT_S: Final = 60.0
_DELIVERED: Final = "delivered"


class Process(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One process. See `roles/status.py`, which writes it."""

    role: str
    slot: int
    running: bool
    reasons: list[str]
    restarts: int
    silent_for_s: float | None

    @property
    def alive(self) -> bool:
        """Whether it runs and takes turns."""
        return self.running and self.silent_for_s is not None and self.silent_for_s <= SILENT_S

    @property
    def ready(self) -> bool:
        """Whether it does what it is for."""
        return self.alive and not self.reasons


class Topic(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One topic that is read on this machine."""

    topic: str
    unfinished: float
    oldest_age_s: float


class Trouble(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A condition that lasts."""

    role: str
    what: str
    for_s: float


class Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the supervisor told."""

    version: str
    processes: list[Process]
    topics: list[Topic]
    attempts: dict[str, float]
    events: dict[str, float]
    troubles: list[Trouble]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A second, over the last `over_s`. `accepted` is the share of attempts that were; None where there were none."""

    over_s: float
    events: float
    attempts: float
    accepted: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """`pace` is None when this was asked for the first time, or a process began anew."""

    told: Told
    pace: Pace | None


class Supervised:
    """Asks the admin port of this machine. One thread at a time may ask."""

    def __init__(
        self,
        listen: str,
        *,
        within_s: float,
        ask: Callable[..., bytes] = asked,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`listen` is HOOKLINE_ADMIN_LISTEN."""
        self._place = place_of(listen)
        self._within_s = within_s
        self._ask = ask
        self._monotonic_s = monotonic_s
        self._before: tuple[float, Told] | None = None

    def read(self) -> Now:
        """As of now.

        Raises:
            AdminSilent: there is no such port, or nobody answers there who is a supervisor of this release.
        """
        if self._place is None:
            raise AdminSilent("HOOKLINE_ADMIN_LISTEN names no port on this machine")
        body = self._ask(self._place, "/status", within_s=self._within_s)
        try:
            told = msgspec.json.decode(body, type=Told)
        except msgspec.DecodeError as error:
            raise AdminSilent(f"what it answers is not what this release tells: {error}") from None
        now_s = self._monotonic_s()
        pace = None if self._before is None else pace_of(self._before[1], told, now_s - self._before[0])
        self._before = now_s, told
        return Now(told=told, pace=pace)


def pace_of(before: Told, now: Told, over_s: float) -> Pace | None:
    """What was done in between."""
    events = sum(now.events.values()) - sum(before.events.values())
    attempts = sum(now.attempts.values()) - sum(before.attempts.values())
    accepted = _accepted(now) - _accepted(before)
    if over_s <= 0 or min(events, attempts, accepted) < 0:
        return None
    return Pace(
        over_s=over_s,
        events=events / over_s,
        attempts=attempts / over_s,
        accepted=accepted / attempts if attempts else None,
    )


def _accepted(told: Told) -> float:
    return told.attempts.get(_DELIVERED, 0.0)
