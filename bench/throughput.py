"""Deliveries per second of one deliver process that has a core for itself, from a backlog that waits in Kafka.

The law: no figure without proof. The run counts only when nginx received every delivery exactly once, every attempt
record is on its topic and every event is committed. What went to a delay topic instead, because the machine or the
engine stalled, is counted: then the figures are those of the others, and say so.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench import cores
from bench.installation import BenchError, Installation, wait_until
from bench.process import Use, peak_rss_mb
from bench.sink import Sink
from consumer.roles.role import Role

_LOOK_EVERY_S = 0.02
_QUIET_S = 2.0
_STALLED_S = 30.0
_COMMITTED_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """`cpu_us_per_delivery` counts all threads of the process until its last offset is committed.

    `deliveries` were made at the first try, and so many were `delayed`. `cpu_s` is what all of them took.
    """

    deliveries: int
    delayed: int
    seconds: float
    deliveries_per_s: float
    cpu_s: float
    cpu_us_per_delivery: float
    rss_mb: float
    rss_mb_steady: float

    @property
    def delayed_words(self) -> str | None:
        """Why it is not to be compared; None where nothing was delayed."""
        if not self.delayed:
            return None
        return f"{self.delayed:,} of {self.deliveries + self.delayed:,} deliveries were delayed: something stalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the outside world says of so many events and their deliveries: nginx, and the topics."""

    events: int
    deliveries: int
    received: int
    logged: int
    committed: int
    delayed: int

    @property
    def holds(self) -> bool:
        """Each was delivered once, logged and committed; one that was delayed may have been tried, or not yet."""
        least = self.deliveries - self.delayed
        tried = all(least <= each <= self.deliveries for each in (self.received, self.logged))
        return tried and self.committed == self.events and least > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """Whoever empties a topic of events into the sink, and where the proof stands.

    `running` is its process, on the core under test; `logged` None for who keeps no log.
    """

    running: Callable[[], AbstractContextManager[int]]
    committed: Callable[[], int]
    logged: Callable[[], int] | None = None
    delayed: Callable[[], int] = lambda: 0


def hookline(installation: Installation, **options: str) -> Contestant:
    """One deliver process of an installation, under these settings."""
    return Contestant(
        running=lambda: installation.running(Role.DELIVER, on=cores.UNDER_TEST, **options),
        committed=installation.committed,
        logged=installation.attempts,
        delayed=installation.delayed,
    )


def measure(contestant: Contestant, sink: Sink, *, events: int, fan_out: int = 1) -> Throughput:
    """Start it on what waits, and measure from the first to the last delivery at the sink, and the last commit.

    Each event is for `fan_out` webhooks.

    Raises:
        BenchError: it stalled, or not all was delivered once, logged and committed.
    """

    def logged() -> int:
        return 0 if contestant.logged is None else contestant.logged()

    deliveries = events * fan_out
    logged_before, committed, delayed = logged(), contestant.committed(), contestant.delayed()
    received = sink.received()
    with contestant.running() as pid:
        use = _first_delivery(pid, sink, received)
        seconds = _until_all(use, sink, received + deliveries, lambda: contestant.delayed() - delayed)
        wait_until(
            lambda: contestant.committed() - committed >= events, within_s=_COMMITTED_S, what="all offsets committed"
        )
        cpu_s = use.cpu_s
        peak_mb = peak_rss_mb(pid)
    arrived = sink.received() - received
    proof = Proof(
        events=events,
        deliveries=deliveries,
        received=arrived,
        logged=arrived if contestant.logged is None else logged() - logged_before,
        committed=contestant.committed() - committed,
        delayed=contestant.delayed() - delayed,
    )
    if not proof.holds:
        raise BenchError(f"{proof}")
    done = deliveries - proof.delayed
    return Throughput(
        deliveries=done,
        delayed=proof.delayed,
        seconds=round(seconds, 3),
        deliveries_per_s=round(done / seconds, 1),
        cpu_s=round(cpu_s, 3),
        cpu_us_per_delivery=round(cpu_s / done * 1_000_000, 1),
        rss_mb=round(peak_mb, 1),
        rss_mb_steady=round(use.steady_mb, 1),
    )


def _first_delivery(pid: int, sink: Sink, before: int) -> Use:
    """Sample until the first delivery; the last sample before it is where the run begins."""
    until_s = time.monotonic() + _STALLED_S
    while time.monotonic() < until_s:
        use = Use(pid)
        if sink.received() > before:
            return use
        time.sleep(_LOOK_EVERY_S)
    raise BenchError(f"no delivery within {_STALLED_S:.0f} s")


def _until_all(use: Use, sink: Sink, wanted: int, delayed: Callable[[], int]) -> float:
    """Seconds from the beginning of `use` to the last delivery; those that were `delayed` are not waited for."""
    moved_s, last = time.monotonic(), 0
    while (received := sink.received()) < wanted:
        use.look()
        now_s = time.monotonic()
        if received > last:
            moved_s, last = now_s, received
        elif now_s - moved_s > _QUIET_S and received + delayed() >= wanted:
            return moved_s - use.began_s
        elif now_s - moved_s > _STALLED_S:
            raise BenchError(f"stalled: {wanted - received} deliveries are missing, {delayed()} were delayed")
        time.sleep(_LOOK_EVERY_S)
    use.look()
    return time.monotonic() - use.began_s
