"""`python -m bench.crash`: what a SIGKILL at full speed costs. Leaves bench/out/crash.json; exit 1 for a missed bar.

A deliver process with a core for itself works off a backlog. Five times it is killed with SIGKILL and started again at
once, as the supervisor would. nginx notes the id of each delivery: what came twice, and that nothing is missing.

The law: every duplicate is counted for the kill before its second arrival, and nothing else than nginx's log is asked.
"""

import os
import signal
import sys
import time
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

from rich.console import Console

from bench import cores, machine, results
from bench.audience import hundred
from bench.installation import BenchError, Installation, wait_until
from bench.load import Load
from bench.results import Bar
from bench.services import services
from bench.sink import Sink, sinking
from consumer.roles.role import Role

_EVENTS = int(os.environ.get("BENCH_EVENTS", "300000"))
_KILLS = 5
_PATIENCE_S = 60.0
_FLUSHED_S = 1.5
_LOOK_EVERY_S = 0.005

BARS = (
    Bar(figure="lost", unit="deliveries", most=0),
    Bar(figure="duplicates_most", unit="duplicates of a kill", most=1_500),
    Bar(figure="resumed_s_most", unit="s", most=3),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """`received` deliveries had come, at `per_s` a second; the next one came `resumed_s` after the new start."""

    received: int
    per_s: float
    resumed_s: float


def run(console: Console) -> dict[str, object]:
    """Kill, count, compare.

    Raises:
        BenchError: it came to no result.
    """
    where = machine.describe()
    with services() as around, sinking(around.folder / "nginx", noting_ids=True) as sink:
        installation = Installation(
            folder=around.folder / "hookline",
            bootstrap=around.kafka.bootstrap,
            redis_url=around.redis.url(),
            prefix="crash.",
        )
        audience = hundred(sink.url)
        installation.create_topics()
        with installation.running(Role.PROJECTION):
            installation.subscribe(audience)
            installation.await_cache(audience)
            console.print(f"{_EVENTS:,} events, {_KILLS} kills ...")
            Load(installation.bootstrap, installation.event_topic).publish(audience, _EVENTS)
            kills = _work_off(installation, sink)
        time.sleep(_FLUSHED_S)
        ids = [id_ for _, id_ in sink.deliveries()]
    duplicates = _by_kill(ids, kills)
    return {
        "events": _EVENTS,
        "lost": _EVENTS - len(set(ids)),
        "deliveries_per_s_before": [round(kill.per_s) for kill in kills],
        "duplicates": duplicates,
        "duplicates_most": max(duplicates),
        "resumed_s": [round(kill.resumed_s, 2) for kill in kills],
        "resumed_s_most": round(max(kill.resumed_s for kill in kills), 2),
        "machine": where,
    }


def _work_off(installation: Installation, sink: Sink) -> list[Kill]:
    kills: list[Kill] = []
    process = installation.start(Role.DELIVER, on=cores.UNDER_TEST)
    try:
        _await_more(sink, 0)
        for number in range(_KILLS):
            per_s = _rate_until(sink, _EVENTS * (number + 1) // (_KILLS + 1))
            process.send_signal(signal.SIGKILL)
            process.wait()
            received = sink.received()
            started_s = time.monotonic()
            process = installation.start(Role.DELIVER, on=cores.UNDER_TEST)
            _await_more(sink, received)
            kills.append(Kill(received=received, per_s=per_s, resumed_s=time.monotonic() - started_s))
        wait_until(lambda: installation.committed() == _EVENTS, within_s=_PATIENCE_S, what="all is committed")
    finally:
        process.terminate()
        process.wait()
    return kills


def _await_more(sink: Sink, than: int) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while sink.received() == than:
        if time.monotonic() > until_s:
            raise BenchError(f"nothing was delivered for {_PATIENCE_S:.0f} s")
        time.sleep(_LOOK_EVERY_S)


def _rate_until(sink: Sink, wanted: int) -> float:
    """Deliveries a second until so many have come."""
    began_s, began = time.monotonic(), sink.received()
    while (received := sink.received()) < wanted:
        if time.monotonic() - began_s > _PATIENCE_S:
            raise BenchError(f"{wanted - received} deliveries short of the next kill")
        time.sleep(_LOOK_EVERY_S)
    return (received - began) / (time.monotonic() - began_s)


def _by_kill(ids: list[str], kills: list[Kill]) -> list[int]:
    """How many second arrivals came after each kill and before the next."""
    at = [kill.received for kill in kills]
    seen: set[str] = set()
    found: Counter[int] = Counter()
    for number, each in enumerate(ids):
        if each in seen:
            found[bisect_right(at, number)] += 1
        seen.add(each)
    if found[0]:
        raise BenchError(f"{found[0]} duplicates before the first kill")
    return [found[number] for number in range(1, len(kills) + 1)]


if __name__ == "__main__":
    sys.exit(results.measured("crash", run, BARS))
