"""What goes wrong when, from a seed. Pure.

The law: the same seed and length give the same schedule. Each stream is a row of faults that come one after the other;
the streams know nothing of each other, so a worker may be killed while the broker is away and a receiver hangs.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """A fault. What it does is in `faults`."""

    KILL_DELIVER = "SIGKILL deliver"
    KILL_RETRY = "SIGKILL retry"
    KILL_PROJECTION = "SIGKILL projection"
    KILL_LOG = "SIGKILL log"
    KILL_JOBS = "SIGKILL jobs"
    STOP_DELIVER = "SIGSTOP deliver"
    STOP_RETRY = "SIGSTOP retry"
    STOP_PROJECTION = "SIGSTOP projection"
    STOP_LOG = "SIGSTOP log"
    STOP_JOBS = "SIGSTOP jobs"
    TERM = "SIGTERM and start again"
    GUEST = "a second supervisor comes and goes"
    BROKER_KILL = "broker SIGKILL"
    BROKER_PAUSE = "broker SIGSTOP"
    REDIS_KILL = "Redis SIGKILL"
    REDIS_FLUSH = "Redis FLUSHALL"
    REDIS_PAUSE = "Redis SIGSTOP"
    RECEIVER_KILL = "receiver SIGKILL"
    RECEIVER_HANGS = "receiver hangs"
    RECEIVER_RESETS = "receiver resets"

    @property
    def is_kill(self) -> bool:
        """Whether a worker is killed."""
        return self in KILLED

    @property
    def of_broker(self) -> bool:
        """Whether Kafka is away."""
        return self in {Kind.BROKER_KILL, Kind.BROKER_PAUSE}

    @property
    def of_redis(self) -> bool:
        """Whether Redis is away or empty."""
        return self in {Kind.REDIS_KILL, Kind.REDIS_FLUSH, Kind.REDIS_PAUSE}


KILLED: Final[Mapping[Kind, str]] = {
    Kind.KILL_DELIVER: "deliver",
    Kind.KILL_RETRY: "retry",
    Kind.KILL_PROJECTION: "projection",
    Kind.KILL_LOG: "log",
    Kind.KILL_JOBS: "jobs",
}
"""Whose process is killed."""

STOPPED: Final[Mapping[Kind, str]] = {
    Kind.STOP_DELIVER: "deliver",
    Kind.STOP_RETRY: "retry",
    Kind.STOP_PROJECTION: "projection",
    Kind.STOP_LOG: "log",
    Kind.STOP_JOBS: "jobs",
}
"""Whose process stands still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`at_s` after the begin, for `for_s` seconds; `pick` in [0, 1) chooses the victim among those there are."""

    at_s: float
    kind: Kind
    for_s: float
    pick: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One fault about every `every_s`, of these kinds by weight, lasting between `least_s` and `most_s`."""

    every_s: float
    kinds: Mapping[Kind, float]
    least_s: float = 0.0
    most_s: float = 0.0


STREAMS: Final[Mapping[str, Stream]] = {
    "kills": Stream(
        every_s=5.2,
        kinds=dict.fromkeys(KILLED, 1 / len(KILLED)),
    ),
    "stops": Stream(
        every_s=60.0,
        kinds=dict.fromkeys(STOPPED, 1 / len(STOPPED)),
        least_s=1.0,
        most_s=26.0,  # longer than a member's session of 20 s
    ),
    "terms": Stream(every_s=46.0, kinds={Kind.TERM: 1.0}),
    "guests": Stream(every_s=80.0, kinds={Kind.GUEST: 1.0}, least_s=20.0, most_s=40.0),
    "broker": Stream(every_s=54.0, kinds={Kind.BROKER_KILL: 0.6, Kind.BROKER_PAUSE: 0.4}, least_s=0.5, most_s=8.0),
    "redis": Stream(
        every_s=54.0,
        kinds={Kind.REDIS_KILL: 0.35, Kind.REDIS_FLUSH: 0.4, Kind.REDIS_PAUSE: 0.25},
        least_s=0.5,
        most_s=6.0,
    ),
    "receivers": Stream(
        every_s=50.0,
        kinds={Kind.RECEIVER_KILL: 0.4, Kind.RECEIVER_HANGS: 0.3, Kind.RECEIVER_RESETS: 0.3},
        least_s=1.0,
        most_s=6.0,
    ),
}


def plan(seed: int, length_s: float, streams: Mapping[str, Stream] = STREAMS) -> dict[str, Sequence[Fault]]:
    """Each stream's faults, in order; every stream that fits has at least one."""
    return {
        name: _stream(random.Random(f"{seed}/{name}"), stream, length_s)  # chosen, not guarded
        for name, stream in streams.items()
    }


def _stream(chance: random.Random, stream: Stream, length_s: float) -> list[Fault]:
    kinds, weights = list(stream.kinds), list(stream.kinds.values())
    number = max(1, int(length_s / stream.every_s))
    each_s = length_s / number
    faults: list[Fault] = []
    for index in range(number):
        for_s = chance.uniform(stream.least_s, stream.most_s)
        latest_s = max(0.0, min(each_s, length_s - index * each_s - for_s))
        faults.append(
            Fault(
                at_s=index * each_s + chance.uniform(0.0, latest_s),
                kind=chance.choices(kinds, weights)[0],
                for_s=for_s,
                pick=chance.random(),
            )
        )
    return faults
