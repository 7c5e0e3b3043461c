"""`python -m bench.rebalance`: a group grows from one process to four and back under load, by both group protocols.

Leaves bench/out/rebalance.json; exit 1 for a missed bar. Every five seconds a process joins, then each of the three
leaves again, asked by SIGTERM. nginx notes when each delivery came, and its id.

The law: what came twice, what never came and how long nothing came are read from nginx's log alone, and from the end of
the delay topics: what a leaving process spills is tried by the role retry.
"""

import subprocess
import sys
import threading
import time
import zlib
from itertools import pairwise

from rich.console import Console

from bench import machine, results
from bench.audience import hundred
from bench.installation import PARTITIONS, BenchError, Installation, wait_until
from bench.load import Load
from bench.results import Bar
from bench.services import services
from bench.sink import Sink, sinking
from consumer.roles.role import Role

_A_SECOND = 1_000
_STEP_S = 5.0
_MOST = 4
_SETTLED_S = 40.0
_FLUSHED_S = 1.5
_STOPPED_S = 15.0

BARS = tuple(
    Bar(figure=f"{protocol}_{figure}", unit=unit, most=most)
    for protocol, duplicates in (("classic", 100), ("consumer", 0))
    for figure, unit, most in (
        ("lost", "deliveries", 0),
        ("duplicates", "deliveries", duplicates),
        ("silent_s_most", "s", 5),
        ("taken_over_s", "s", 22),
    )
)


def run(console: Console) -> dict[str, object]:
    """Both protocols, one after the other.

    Raises:
        BenchError: it came to no result.
    """
    figures: dict[str, object] = {}
    where = machine.describe()
    with services() as around:
        for protocol in ("classic", "consumer"):
            console.print(f"{protocol}: 1 to {_MOST} processes and back, {_A_SECOND} events/s ...")
            with sinking(around.folder / f"nginx-{protocol}", noting_ids=True) as sink:
                installation = Installation(
                    folder=around.folder / protocol,
                    bootstrap=around.kafka.bootstrap,
                    redis_url=around.redis.url(database=1 if protocol == "classic" else 2),
                    prefix=f"{protocol}.",
                    options={"group_protocol": protocol},
                )
                measured = _measure(installation, sink)
            figures |= {f"{protocol}_{name}": value for name, value in measured.items()}
    return figures | {"machine": where}


def _measure(installation: Installation, sink: Sink) -> dict[str, object]:
    audience = hundred(sink.url)
    installation.create_topics()
    load = Load(installation.bootstrap, installation.event_topic)
    for_s = _STEP_S * 2 * _MOST + _SETTLED_S / 2
    events = int(_A_SECOND * for_s)
    publishing = threading.Thread(
        target=load.publish_paced, args=(audience,), kwargs={"a_second": _A_SECOND, "for_s": for_s}
    )
    with installation.running(Role.PROJECTION), installation.running(Role.RETRY):
        installation.subscribe(audience)
        installation.await_cache(audience)
        members = [installation.start(Role.DELIVER)]
        try:
            before = sink.received()
            began_s = time.time()
            publishing.start()
            wait_until(lambda: sink.received() > before, within_s=_SETTLED_S, what="the first delivery")
            for slot in range(1, _MOST):
                time.sleep(_STEP_S)
                members.append(installation.start(Role.DELIVER, slot=slot))
            left_s = 0.0
            while len(members) > 1:
                time.sleep(_STEP_S)
                left_s = time.time()
                _stop(members.pop())
            publishing.join()
            wait_until(lambda: installation.committed() >= events, within_s=_SETTLED_S, what="all is committed")
        finally:
            for member in members:
                _stop(member)
        time.sleep(_FLUSHED_S)
    deliveries = sorted(sink.deliveries())
    at_s = [each for each, _ in deliveries]
    ids = {id_ for _, id_ in deliveries}
    came = [(each, int(id_.removeprefix(audience.name))) for each, id_ in deliveries]
    return {
        "events": events,
        "lost": events - len(ids),
        "duplicates": len(deliveries) - len(ids),
        "silent_s_most": round(max(after - earlier for earlier, after in pairwise(at_s)), 2),
        "taken_over_s": round(_taken_over_s(came, (left_s - began_s) * _A_SECOND, left_s), 2),
    }


def _taken_over_s(came: list[tuple[float, int]], published: float, left_s: float) -> float:
    """From when the last one was asked to leave until of every partition an event has come that was published since.

    So many were `published` by then.
    """
    first_s: dict[int, float] = {}
    for at_s, number in came:
        if number >= published:
            first_s.setdefault(_partition(number), at_s)
    if len(first_s) < PARTITIONS:
        raise BenchError("a partition was never taken over")
    return max(first_s.values()) - left_s


def _partition(number: int) -> int:
    """Where librdkafka's default partitioner (consistent_random) puts the event's key."""
    return zlib.crc32(str(number).encode()) % PARTITIONS


def _stop(member: "subprocess.Popen[bytes]") -> None:
    member.terminate()
    try:
        code = member.wait(_STOPPED_S)
    except subprocess.TimeoutExpired:
        member.kill()
        member.wait()
        raise BenchError(f"a process did not leave within {_STOPPED_S:.0f} s") from None
    if code != 0:
        raise BenchError(f"a process left with {code}")


if __name__ == "__main__":
    sys.exit(results.measured("rebalance", run, BARS))
