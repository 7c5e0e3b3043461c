"""Deliveries per second of one deliver process that has a core for itself, from a backlog that waits in Kafka.

The law: no figure without proof. The run counts only when nginx received every delivery exactly once, every attempt
record is on its topic, every event is committed and nothing went to a delay topic.
"""

import time
from dataclasses import dataclass

from bench import cores
from bench.audience import Audience
from bench.installation import BenchError, Installation, wait_until
from bench.load import Load
from bench.process import Use, peak_rss_mb
from bench.sink import Sink
from consumer.roles.role import Role

_LOOK_EVERY_S = 0.02
_STALLED_S = 30.0
_COMMITTED_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """`cpu_us_per_delivery` counts all threads of the process until its last offset is committed."""

    deliveries: int
    seconds: float
    deliveries_per_s: float
    cpu_us_per_delivery: float
    rss_mb: float
    rss_mb_steady: float


def measure(
    installation: Installation, load: Load, audience: Audience, sink: Sink, *, events: int, **options: str
) -> Throughput:
    """Publish the backlog, then start the process and measure from the first to the last delivery at the sink.

    `options` are the process's settings.

    Raises:
        BenchError: it stalled, or not all was delivered once, logged and committed.
    """
    load.publish(audience, events)
    logged, committed, delayed = installation.attempts(), installation.committed(), installation.delayed()
    received = sink.received()
    with installation.running(Role.DELIVER, on=cores.UNDER_TEST, **options) as pid:
        use = _first_delivery(pid, sink, received)
        try:
            seconds = _until_all(use, sink, received + events)
        except BenchError as error:
            raise BenchError(f"{error}, {installation.delayed() - delayed} were delayed") from None
        wait_until(
            lambda: installation.committed() - committed >= events, within_s=_COMMITTED_S, what="all offsets committed"
        )
        cpu_s = use.cpu_s
        peak_mb = peak_rss_mb(pid)
    proof = {
        "received": sink.received() - received,
        "logged": installation.attempts() - logged,
        "committed": installation.committed() - committed,
    }
    if set(proof.values()) != {events} or installation.delayed() != delayed:
        raise BenchError(f"{events} events, but {proof}, and {installation.delayed() - delayed} were delayed")
    return Throughput(
        deliveries=events,
        seconds=round(seconds, 3),
        deliveries_per_s=round(events / seconds, 1),
        cpu_us_per_delivery=round(cpu_s / events * 1_000_000, 1),
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


def _until_all(use: Use, sink: Sink, wanted: int) -> float:
    """Seconds from the beginning of `use` to the last delivery."""
    moved_s, last = time.monotonic(), 0
    while (received := sink.received()) < wanted:
        use.look()
        now_s = time.monotonic()
        if received > last:
            moved_s, last = now_s, received
        elif now_s - moved_s > _STALLED_S:
            raise BenchError(f"stalled: {wanted - received} deliveries are missing")
        time.sleep(_LOOK_EVERY_S)
    use.look()
    return time.monotonic() - use.began_s
