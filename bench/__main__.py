"""`python -m bench`: how fast one core delivers. Leaves bench/out/latest.json, also of a run whose later part fails.

Exit 1 when a bar is missed, 2 when all are cleared and a part is not comparable: the last line says which, and why.
BENCH_EVENTS (default 300,000) sets the length of the main run. With BASE=rev a delivery is compared with what it cost
at that commit, and more than 5 % above it is a bar missed.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial

from rich.console import Console

from bench import idle, latency, machine, needs, ordered, results, telemetry, throughput, tracker, versus
from bench.audience import Audience, hundred
from bench.installation import BenchError, Installation
from bench.load import Load
from bench.parts import NOT_COMPARABLE, Findings, Measured
from bench.receiver import receiving
from bench.results import Bar
from bench.services import Services, services
from bench.sink import sinking
from consumer.roles.role import Role
from tests.services.server import ServiceError

_EVENTS = int(os.environ.get("BENCH_EVENTS", "300000"))
_SECOND_SHARE = 3  # the second engine is measured on so much less
_LATENCY_S = 15.0
_PARTS = ("warm-up", "auto", "ordered", "latency", "versus", "curl", "tracker", "telemetry", "idle")
_ORDERED_SHARE = 3  # it is measured on so much less

BARS = (
    Bar(figure="deliveries_per_s", unit="deliveries/s", least=12_000),
    Bar(figure="ordered_share", unit="of it", least=0.7),
    Bar(figure="rss_mb", unit="MB", most=150),
    Bar(figure="latency_ms_p50", unit="ms", most=5),
    Bar(figure="tracker_us_per_delivery", unit="µs", most=1),
    Bar(figure="telemetry_share", unit="of it", most=0.02),
    Bar(figure="idle_cpu_share", unit="of a core", most=0.03),
    Bar(figure="idle_mb", unit="MB", most=400),
    *versus.bars(versus.BASE),
)


def run(console: Console, found: Findings) -> None:
    """Every part, one after the other, on one set of services and each with an installation of its own.

    Raises:
        ServiceError: the services did not start.
    """
    with services() as around:
        console.print(f"warm-up: {_EVENTS:,} events of 1 KB, for Java to compile the broker ...")
        found.measure("warm-up", partial(_warm_up, around))
        console.print(f"auto: {_EVENTS:,} events of 1 KB, 100 webhooks of 20 tenants ...")
        found.measure("auto", partial(_auto, around))
        console.print(f"ordered: {_EVENTS // _ORDERED_SHARE:,} of them, in order by {ordered.KEYS:,} keys ...")
        found.measure("ordered", partial(_ordered, around, found))
        console.print(f"latency: {latency.EVENTS_A_SECOND} events/s for {_LATENCY_S:g} s ...")
        found.measure("latency", partial(_latency, around))
        found.measure("versus", partial(_versus, around, console))
        console.print(f"curl: {_EVENTS // _SECOND_SHARE:,} events by the second engine ...")
        found.measure("curl", partial(_curl, around))
        console.print(f"idle: all roles, nothing to do for {idle.FOR_S:g} s ...")
        found.measure("idle", partial(_idle, around))
    found.measure("tracker", _tracker)
    found.measure("telemetry", partial(_telemetry, found))


def _warm_up(around: Services) -> Measured:
    """Without figures. Where it fails, the parts behind it have a broker that is still cold."""
    _throughput(around, "warm-up", _EVENTS)
    return Measured(figures={})


def _auto(around: Services) -> Measured:
    measured = _throughput(around, "auto", _EVENTS)
    figures = asdict(measured)
    told = ("deliveries_per_s", "cpu_us_per_delivery", "rss_mb", "rss_mb_steady")
    return Measured(
        figures={name: figures[name] for name in told} | {"engines": {"auto": figures}},
        not_comparable=measured.delayed_words,
    )


def _ordered(around: Services, found: Findings) -> Measured:
    with sinking(around.folder / "nginx-ordered") as sink:
        audience = replace(hundred(sink.url), ordering="key")
        with _installed(around, "ordered", audience, keys=ordered.KEYS) as (installation, load):
            per_s = ordered.measure(installation, load, audience, sink, events=_EVENTS // _ORDERED_SHARE)
    figures: dict[str, object] = {"ordered_per_s": round(per_s, 1)}
    without = found.figures.get("deliveries_per_s")
    if isinstance(without, float):
        figures["ordered_share"] = round(per_s / without, 3)
    return Measured(figures=figures)


def _curl(around: Services) -> Measured:
    measured = _throughput(around, "curl", max(100, _EVENTS // _SECOND_SHARE), transport="curl")
    return Measured(figures={"engines": {"curl": asdict(measured)}}, not_comparable=measured.delayed_words)


def _latency(around: Services) -> Measured:
    with receiving(around.folder / "receiver") as receiver:
        audience = hundred(f"http://127.0.0.1:{receiver.ports[0]}/take/")
        with _installed(around, "latency", audience) as (installation, load):
            measured = latency.measure(installation, load, audience, receiver, for_s=_LATENCY_S)
    return Measured(
        figures={
            "latency_ms_p50": round(latency.percentile(measured.took_ms, 0.50), 3),
            "latency_ms_p99": round(latency.percentile(measured.took_ms, 0.99), 3),
        },
        not_comparable=measured.strange_words,
    )


def _versus(around: Services, console: Console) -> Measured:
    figures = versus.measure(around, console)
    reasons = figures.pop(NOT_COMPARABLE)
    assert isinstance(reasons, dict)
    return Measured(figures=figures, not_comparable="; ".join(f"{who}: {why}" for who, why in reasons.items()) or None)


def _tracker() -> Measured:
    return Measured(figures={"tracker_us_per_delivery": round(tracker.measure(), 3)})


def _telemetry(found: Findings) -> Measured:
    """Metrics, and traces of which one in a hundred is recorded: what share of a delivery that is."""
    cost = telemetry.measure()
    figures: dict[str, object] = {"telemetry_us_per_delivery": round(cost.delivery_us, 3)}
    delivery_us = found.figures.get("cpu_us_per_delivery")
    if isinstance(delivery_us, float):
        figures["telemetry_share"] = round(cost.delivery_us / delivery_us, 4)
    return Measured(figures=figures)


def _idle(around: Services) -> Measured:
    installation = Installation(
        folder=around.folder / "idle",
        bootstrap=around.kafka.bootstrap,
        redis_url=around.redis.url(_PARTS.index("idle")),
        prefix="bench-idle.",
    )
    installation.create_topics()
    measured = idle.measure(installation)
    return Measured(
        figures={
            "idle_cpu_share": round(measured["all"].cpu_share, 4),
            "idle_mb": round(measured["all"].pss_mb, 1),
            "idle": {role: asdict(each) for role, each in measured.items()},
        }
    )


def _throughput(around: Services, name: str, events: int, **options: str) -> throughput.Throughput:
    with sinking(around.folder / f"nginx-{name}") as sink:
        audience = hundred(sink.url)
        with _installed(around, name, audience) as (installation, load):
            load.publish(audience, events)
            return throughput.measure(throughput.hookline(installation, **options), sink, events=events)


@contextmanager
def _installed(
    around: Services, name: str, audience: Audience, *, keys: int | None = None
) -> Iterator[tuple[Installation, Load]]:
    """A fresh installation with the audience's webhooks: what an earlier part did not finish is not there."""
    installation = Installation(
        folder=around.folder / name,
        bootstrap=around.kafka.bootstrap,
        redis_url=around.redis.url(_PARTS.index(name)),
        prefix=f"bench-{name}.",
    )
    installation.create_topics()
    with installation.running(Role.PROJECTION):
        installation.subscribe(audience)
        installation.await_cache(audience)
        yield installation, Load(installation.bootstrap, installation.event_topic, keys=keys)


def main() -> int:
    """Measure, leave the file, show, judge; the exit code."""
    console = Console()
    needs.install()
    found = Findings(_PARTS, partial(results.write, "latest"))
    found.note(machine=machine.describe())
    try:
        run(console, found)
    except (BenchError, ServiceError) as error:
        found.end(str(error))
    return results.judge(console, "latest", found.figures, BARS)


if __name__ == "__main__":
    sys.exit(main())
