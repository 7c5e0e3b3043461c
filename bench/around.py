"""`python -m bench.around`: what a delivery costs what is around it. Leaves bench/out/around.json.

Two deliver processes, which share both cores with everything else, work off a backlog, and then one with a core for
itself. The role `log` reads what they log meanwhile. What each used is told by the system's counts of their processes,
from the first delivery on, divided by the deliveries. How many bytes an event and an attempt take is told by the files
of the broker. docs/scaling.md is made of these figures (`bench/scale.py`).

BENCH_EVENTS (default 200,000) sets the length of each.
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from bench import cores, machine, results
from bench.audience import Audience, hundred
from bench.installation import BenchError, Installation, committed_by, ended, wait_until
from bench.load import Load
from bench.services import Services, services
from bench.sink import Sink, sinking
from consumer.kafka.topics import Topics
from consumer.roles.role import Role
from tests.spent import KAFKA, REDIS, look

_EVENTS = int(os.environ.get("BENCH_EVENTS", "200000"))
_REST_S = 3.0
_WITHIN_S = 180.0


def run(console: Console) -> dict[str, object]:
    """Deliver, and see who used what.

    Raises:
        BenchError: it came to no result.
    """
    where = machine.describe()
    with services() as around, sinking(around.folder / "nginx") as sink:
        installation = Installation(
            folder=around.folder / "hookline",
            bootstrap=around.kafka.bootstrap,
            redis_url=around.redis.url(),
            prefix="around.",
        )
        audience = hundred(sink.url)
        installation.create_topics()
        topics = Topics.of(installation.settings)
        with installation.running(Role.PROJECTION), installation.running(Role.LOG):
            installation.subscribe(audience)
            installation.await_cache(audience)
            load = Load(installation.bootstrap, installation.event_topic)
            # Java compiles the broker in the first of them.
            two = _measured(console, installation, load, audience, sink, processes=2)
            one = _measured(console, installation, load, audience, sink, processes=1)
        return {
            "events": _EVENTS,
            "deliver_us": one[Role.DELIVER],
            "log_us": one[Role.LOG],
            "broker_us": one[KAFKA],
            "redis_us": one[REDIS],
            "deliver_us_of_two": two[Role.DELIVER],
            "broker_us_of_two": two[KAFKA],
            "event_bytes": _bytes(around, installation.event_topic) // (2 * _EVENTS),
            "attempt_bytes": _bytes(around, topics.attempts) // (2 * _EVENTS),
            "machine": where,
        }


def _measured(
    console: Console, installation: Installation, load: Load, audience: Audience, sink: Sink, *, processes: int
) -> Mapping[str, float]:
    """CPU µs of a delivery, by who used it."""
    console.print(f"{_EVENTS:,} events, {processes} of deliver ...")
    topics, received = Topics.of(installation.settings), sink.received()
    wanted = installation.committed() + _EVENTS
    load.publish(audience, _EVENTS)
    time.sleep(_REST_S)
    with _delivering(installation, processes):
        wait_until(lambda: sink.received() > received, within_s=_WITHIN_S, what="the first delivery")
        before, begun = _used(), sink.received() - received
        wait_until(lambda: installation.committed() >= wanted, within_s=_WITHIN_S, what="all is committed")
        wait_until(
            lambda: committed_by(installation.bootstrap, topics.group(Role.LOG), topics.attempts) >= wanted,
            within_s=_WITHIN_S,
            what="the role log has read every attempt",
        )
        after = _used()
    if sink.received() - received != _EVENTS:
        raise BenchError(f"{sink.received() - received:,} of {_EVENTS:,} events came")
    return {who: round((cpu_s - before[who]) / (_EVENTS - begun) * 1e6, 1) for who, cpu_s in after.items()}


@contextmanager
def _delivering(installation: Installation, processes: int) -> Iterator[None]:
    on = cores.UNDER_TEST if processes == 1 else cores.UNDER_TEST | cores.SURROUNDINGS
    running = [installation.start(Role.DELIVER, on=on, slot=slot) for slot in range(processes)]
    try:
        yield
    finally:
        for process in running:
            ended(process)


def _used() -> defaultdict[str, float]:
    """CPU, by who has used it so far."""
    found: defaultdict[str, float] = defaultdict(float)
    for each in look(0):
        found[each.who] += each.cpu_s
    return found


def _bytes(around: Services, topic: str) -> int:
    """What the topic's records take on the broker's disk.

    Raises:
        BenchError: the broker's files are not here.
    """
    segments: list[Path] = [*around.log.glob(f"**/{topic}-*/*.log")]
    if not segments:
        raise BenchError(f"no file of {topic} lies in {around.log}: the broker runs in a container")
    return sum(segment.stat().st_size for segment in segments)


if __name__ == "__main__":
    sys.exit(results.measured("around", run, ()))
