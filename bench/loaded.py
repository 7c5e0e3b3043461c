"""`python -m bench.loaded`: from publish to receive under load. Leaves bench/out/loaded.json; exit 1 for a missed bar.

A deliver process with a core for itself; the publisher, the broker and nginx share the other one. First more is
published than it delivers: how much it then delivers a second is what it can take, while somebody publishes. Then half
of that is published, and then nine tenths, and how long each event took is told.

The law: an event's time begins when it is handed to its producer, and ends when nginx notes its request, which it does
to the millisecond: the latest that it can have been is taken. Each has to come once.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

from bench import cores, machine, results
from bench.audience import Audience, hundred
from bench.installation import BenchError, Installation, wait_until
from bench.latency import percentile
from bench.load import Load
from bench.process import peak_rss_mb
from bench.results import Bar
from bench.services import services
from bench.sink import Sink, sinking
from consumer.roles.role import Role

_FOR_S = float(os.environ.get("BENCH_SECONDS", "15"))
_BACKLOG = 60_000  # of which it is learned how fast it is at most
_WARM_UP = 2  # backlogs before that: Java compiles the broker
_SETTLED_S = 3.0  # after a rate begins
_WITHIN_S = 120.0
_FLUSHED_S = 1.5
_TO_THE_MS = 1.0
_LINGER_MS = 1  # a request for each few events would fill the broker's core: 0.8 of it at 5,000 events a second

BARS = (
    Bar(figure="half_p50_ms", unit="ms", most=2),
    Bar(figure="half_p99_ms", unit="ms", most=10),
    Bar(figure="most_p99_ms", unit="ms", most=100),
    Bar(figure="rss_mb", unit="MB", most=150),
)


@dataclass(frozen=True, slots=True)
class Noted:
    """An audience's events, and when each was made, in milliseconds since 1970; their numbers begin at 0."""

    of: Audience
    at_ms: list[float] = field(default_factory=list)

    def event(self, number: int) -> bytes:
        """See `Audience`. One that the producer had no room for is made again."""
        del self.at_ms[number:]
        self.at_ms.append(time.time() * 1_000)
        return self.of.event(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all rates have in common. `pid` is the process under test."""

    installation: Installation
    noted: Noted
    load: Load
    sink: Sink
    pid: int

    def drained(self) -> None:
        """Wait until all that was published is committed.

        Raises:
            BenchError: it was not.
        """
        published = len(self.noted.at_ms)
        wait_until(lambda: self.installation.committed() >= published, within_s=_WITHIN_S, what="all is delivered")

    def backlog(self) -> float:
        """Publish many at once; so many a second were delivered, from the first to the last of them."""
        before = self.sink.received()
        self.load.publish(self.noted, _BACKLOG)
        began_s, begun = time.monotonic(), self.sink.received() - before
        wait_until(lambda: self.sink.received() - before >= _BACKLOG, within_s=_WITHIN_S, what="all came")
        seconds = time.monotonic() - began_s
        self.drained()
        return (_BACKLOG - begun) / seconds

    def paced(self, a_second: int) -> range:
        """The numbers of the events that are published at this rate once it has settled; nothing is waited for."""
        self.load.publish_paced(self.noted, a_second=a_second, for_s=_SETTLED_S)
        first = len(self.noted.at_ms)
        self.load.publish_paced(self.noted, a_second=a_second, for_s=_FOR_S)
        return range(first, len(self.noted.at_ms))


def run(console: Console) -> dict[str, object]:
    """Find out what it can take, and measure at two parts of that.

    Raises:
        BenchError: it came to no result.
    """
    where = machine.describe()
    with _stage() as stage:
        for _ in range(_WARM_UP):
            stage.backlog()
        at_most = stage.backlog()
        console.print(f"{at_most:,.0f} deliveries a second from a backlog; as many are published ...")
        takes, waiting = _overload(stage, int(at_most))
        console.print(f"{takes:,.0f} a second meanwhile; half of that, and nine tenths ...")
        stage.drained()
        half = stage.paced(int(takes / 2))
        stage.drained()
        most = stage.paced(int(takes * 0.9))
        stage.drained()
        rss_mb = peak_rss_mb(stage.pid)
        delayed = stage.installation.delayed()
        time.sleep(_FLUSHED_S)
        took_ms = _took_ms(stage)
    of_half, of_most = (took_ms[numbers.start : numbers.stop] for numbers in (half, most))
    return {
        "backlog_per_s": round(at_most),
        "takes_per_s": round(takes),
        "overload_waiting": waiting,
        "half_p50_ms": round(percentile(of_half, 0.50), 2),
        "half_p99_ms": round(percentile(of_half, 0.99), 2),
        "most_p50_ms": round(percentile(of_most, 0.50), 2),
        "most_p99_ms": round(percentile(of_most, 0.99), 2),
        "delayed": delayed,
        "rss_mb": round(rss_mb, 1),
        "machine": where,
    }


@contextmanager
def _stage() -> Iterator[Stage]:
    with services() as around, sinking(around.folder / "nginx", noting_ids=True) as sink:
        installation = Installation(
            folder=around.folder / "hookline",
            bootstrap=around.kafka.bootstrap,
            redis_url=around.redis.url(),
            prefix="loaded.",
        )
        audience = hundred(sink.url)
        installation.create_topics()
        with installation.running(Role.PROJECTION):
            installation.subscribe(audience)
            installation.await_cache(audience)
            load = Load(installation.bootstrap, installation.event_topic, keyed=False, linger_ms=_LINGER_MS)
            with installation.running(Role.DELIVER, on=cores.UNDER_TEST) as pid:
                yield Stage(installation=installation, noted=Noted(audience), load=load, sink=sink, pid=pid)


def _overload(stage: Stage, a_second: int) -> tuple[float, int]:
    """Deliveries a second while more than that is published, and how many events waited in Kafka at the end of it."""
    stage.load.publish_paced(stage.noted, a_second=a_second, for_s=_SETTLED_S)
    began_s, before = time.monotonic(), stage.sink.received()
    stage.load.publish_paced(stage.noted, a_second=a_second, for_s=_FOR_S)
    takes = (stage.sink.received() - before) / (time.monotonic() - began_s)
    return takes, len(stage.noted.at_ms) - stage.installation.committed()


def _took_ms(stage: Stage) -> list[float]:
    """How long each event took, by its number.

    Raises:
        BenchError: one did not come, or came twice.
    """
    at_ms, prefix = stage.noted.at_ms, len(stage.noted.of.name)
    took_ms: list[float | None] = [None] * len(at_ms)
    for came_s, id_ in stage.sink.deliveries():
        number = int(id_[prefix:])
        if took_ms[number] is not None:
            raise BenchError(f"{id_} came twice")
        took_ms[number] = came_s * 1_000 + _TO_THE_MS - at_ms[number]
    found = [each for each in took_ms if each is not None]
    if len(found) < len(at_ms):
        raise BenchError(f"{len(at_ms) - len(found):,} of {len(at_ms):,} events did not come")
    return found


if __name__ == "__main__":
    sys.exit(results.measured("loaded", run, BARS))
