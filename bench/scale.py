"""What an installation of a size needs, from what a delivery costs: the model of docs/scaling.md. Pure.

The law: nothing is added to the figures of `bench.around` but what is stated here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

BUSY = 0.7
"""Of a core, what may be used: the rest is for peaks, for a process that restarts, and for retries."""
REPLICAS = 3
PARTITIONS_A_PROCESS = 2
"""So that a process that leaves gives its work to all others, and there is room to add some."""
SIZES = (1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """For so many deliveries a second; MB are of a second, with all replicas."""

    per_s: int
    deliver: int
    log: int
    broker_cores: float
    redis_cores: float
    written_mb: float
    read_mb: float
    partitions: int


def need(figures: Mapping[str, float], per_s: int) -> Need:
    """What that takes, by these figures.

    A replica more costs brokers no more than it costs the first one to take the same bytes: a third of what a delivery
    costs them, for they serve an event, take an attempt and serve it to the role `log`.
    """
    deliver = _cores(figures["deliver_us"], per_s)
    replicated_us = figures["broker_us"] * (1 + (REPLICAS - 1) / 3)
    written = (figures["event_bytes"] + figures["attempt_bytes"]) * per_s / 1e6
    return Need(
        per_s=per_s,
        deliver=math.ceil(deliver),
        log=math.ceil(_cores(figures["log_us"], per_s)),
        broker_cores=_cores(replicated_us, per_s),
        redis_cores=_cores(figures["redis_us"], per_s),
        written_mb=written * REPLICAS,
        read_mb=written * REPLICAS,  # by deliver and log, and by the other replicas
        partitions=PARTITIONS_A_PROCESS * math.ceil(deliver),
    )


def table(figures: Mapping[str, float]) -> str:
    """For docs/scaling.md."""
    needs = [need(figures, per_s) for per_s in SIZES]
    rows = [
        ("deliveries a second", [f"{each.per_s:,}" for each in needs]),
        ("processes of `deliver`, a core each", [f"{each.deliver:,}" for each in needs]),
        ("processes of `log`, a core each", [f"{each.log:,}" for each in needs]),
        ("cores of brokers, three replicas", [f"{each.broker_cores:,.1f}" for each in needs]),
        ("cores of Redis", [f"{each.redis_cores:,.2f}" for each in needs]),
        ("MB/s written by brokers", [f"{each.written_mb:,.1f}" for each in needs]),
        ("MB/s sent by brokers", [f"{each.read_mb:,.1f}" for each in needs]),
        ("partitions of an event topic, at least", [f"{each.partitions:,}" for each in needs]),
    ]
    lines = [f"| {name} | {' | '.join(values)} |" for name, values in rows]
    return "\n".join([lines[0], f"|---|{'---:|' * len(SIZES)}", *lines[1:], ""])


def _cores(cpu_us: float, per_s: int) -> float:
    return cpu_us * per_s / 1e6 / BUSY
