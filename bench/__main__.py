"""`python -m bench`: how fast one core delivers. Leaves bench/out/latest.json; exit 1 when a bar is missed.

BENCH_EVENTS (default 300,000) sets the length of the main run.
"""

import os
import sys
from dataclasses import asdict

from rich.console import Console

from bench import latency, limit, machine, needs, results, throughput, tracker
from bench.audience import Audience
from bench.installation import BenchError, Installation
from bench.load import Load
from bench.receiver import receiving
from bench.results import Bar
from bench.services import services
from bench.sink import Sink
from consumer.roles.role import Role
from tests.services.server import ServiceError

_EVENTS = int(os.environ.get("BENCH_EVENTS", "300000"))
_PORTABLE_SHARE = 100  # httpx is slow: it is measured on so much less
_PORTABLE = {"transport": "httpx", "max_in_flight": "32"}  # its cost grows with the square of what is under way
_LATENCY_S = 15.0
_LIMIT_S = 5

BARS = (
    Bar(figure="deliveries_per_s", unit="deliveries/s", least=12_000),
    Bar(figure="rss_mb", unit="MB", most=150),
    Bar(figure="latency_ms_p50", unit="ms", most=5),
    Bar(figure="tracker_us_per_delivery", unit="µs", most=1),
)


def run(console: Console) -> dict[str, object]:
    """Every phase, one after the other, on one set of services."""
    where = machine.describe()
    with services() as around, receiving(around.folder / "receiver") as receiver:
        sink = Sink.start(around.folder / "nginx")
        try:
            installation = Installation(
                folder=around.folder / "hookline",
                bootstrap=around.kafka.bootstrap,
                redis_url=around.redis.url(),
                prefix="bench.",
            )
            many = Audience(name="fast", webhooks=100, tenants=20, url=lambda number: f"{sink.url}{number}")
            few = Audience(
                name="slow",
                webhooks=100,
                tenants=20,
                url=lambda number: f"http://127.0.0.1:{receiver.ports[0]}/take/{number}",
            )
            installation.create_topics()
            load = Load(installation)
            with installation.running(Role.PROJECTION):
                for audience in (many, few):
                    installation.subscribe(audience)
                    installation.await_cache(audience)
                console.print(f"curl: {_EVENTS:,} events of 1 KB, 100 webhooks of 20 tenants ...")
                curl = throughput.measure(installation, load, many, sink, events=_EVENTS)
                console.print(f"latency: {latency.EVENTS_A_SECOND} events/s for {_LATENCY_S:g} s ...")
                took_ms = latency.measure(installation, load, few, receiver, for_s=_LATENCY_S)
                console.print("wrk on the same sink, and the portable engine ...")
                wrk = limit.measure(around.folder, sink, for_s=_LIMIT_S)
                portable = max(100, _EVENTS // _PORTABLE_SHARE)
                httpx = throughput.measure(installation, load, many, sink, events=portable, **_PORTABLE)
        finally:
            sink.stop()
    return {
        "deliveries_per_s": curl.deliveries_per_s,
        "cpu_us_per_delivery": curl.cpu_us_per_delivery,
        "limit_us_per_request": None if wrk is None else wrk.us_per_request,
        "limit_requests_per_s": None if wrk is None else wrk.requests_per_s,
        "tracker_us_per_delivery": round(tracker.measure(), 3),
        "rss_mb": curl.rss_mb,
        "rss_mb_steady": curl.rss_mb_steady,
        "latency_ms_p50": round(latency.percentile(took_ms, 0.50), 3),
        "latency_ms_p99": round(latency.percentile(took_ms, 0.99), 3),
        "engines": {"curl": asdict(curl), "httpx": asdict(httpx)},
        "machine": where,
    }


def main() -> int:
    """Measure, show, leave the file, judge; the exit code."""
    console = Console()
    lacking = needs.install()
    if "wrk" in lacking:
        console.print("wrk is not installed: the limit is left out")
    try:
        figures = run(console)
    except (BenchError, ServiceError) as error:
        print(f"bench: FAIL: {error}")
        return 1
    return results.judge(console, "latest", figures, BARS)


if __name__ == "__main__":
    sys.exit(main())
