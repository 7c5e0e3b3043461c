"""`python -m bench.around`: what a delivery costs what is around it. Leaves bench/out/around.json.

A deliver process has a core for itself and works off a backlog. Broker, Redis, the role `log` and everything else share
another. What each used meanwhile is told by the system's counts of their processes, divided by the deliveries; how many
bytes an event and an attempt take, by the broker's files. docs/scaling.md is made of these figures.

BENCH_EVENTS (default 200,000) sets the length.
"""

import os
import sys
import time
from collections import defaultdict
from pathlib import Path

from rich.console import Console

from bench import machine, results, throughput
from bench.audience import Audience
from bench.installation import BenchError, Installation, committed_by, wait_until
from bench.load import Load
from bench.services import Services, services
from bench.sink import sinking
from consumer.kafka.topics import Topics
from consumer.roles.role import Role
from tests.spent import KAFKA, REDIS, look

_EVENTS = int(os.environ.get("BENCH_EVENTS", "200000"))
_REST_S = 3.0
_LOGGED_S = 120.0


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
        audience = Audience(name="wh", webhooks=100, tenants=20, url=lambda number: f"{sink.url}{number}")
        installation.create_topics()
        topics = Topics.of(installation.settings)
        with installation.running(Role.PROJECTION), installation.running(Role.LOG):
            installation.subscribe(audience)
            installation.await_cache(audience)
            console.print(f"{_EVENTS:,} events ...")
            Load(installation.bootstrap, installation.event_topic).publish(audience, _EVENTS)
            time.sleep(_REST_S)
            before = _used()
            measured = throughput.measure(throughput.hookline(installation), sink, events=_EVENTS)
            wait_until(
                lambda: committed_by(installation.bootstrap, topics.group(Role.LOG), topics.attempts) >= _EVENTS,
                within_s=_LOGGED_S,
                what="the role log has read every attempt",
            )
            time.sleep(_REST_S)  # of the index, which is told of by nobody
            used = {who: round((cpu_s - before[who]) / _EVENTS * 1e6, 1) for who, cpu_s in _used().items()}
        return {
            "deliveries": measured.deliveries,
            "deliver_us": measured.cpu_us_per_delivery,
            "log_us": used[Role.LOG],
            "broker_us": used[KAFKA],
            "redis_us": used[REDIS],
            "event_bytes": _bytes(around, installation.event_topic) // _EVENTS,
            "attempt_bytes": _bytes(around, topics.attempts) // _EVENTS,
            "machine": where,
        }


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
