"""`python -m bench.api`: does the API keep its promises with 100,000 webhooks? Leaves bench/out/api.json.

200 writes a second, pages of a list of 50,000 webhooks, and the time from a webhook's creation to its first delivery.
The role api has a core for itself; broker, Redis, the other roles and the load share another. Exit 1 when a bar is
missed.

BENCH_WEBHOOKS (default 100,000) and BENCH_SECONDS (of writes, default 20) make it smaller.
"""

import asyncio
import os
import sys
import time

import httpx
from rich.console import Console

from bench import cores, creation, machine, pages, population, process, results, writes
from bench.installation import BenchError, Installation, wait_until
from bench.latency import percentile
from bench.population import Population
from bench.receiver import receiving
from bench.results import Bar
from bench.services import services
from consumer.roles.role import Role
from tests.services.server import free_port

_WEBHOOKS = int(os.environ.get("BENCH_WEBHOOKS", "100000"))
_FOR_S = int(os.environ.get("BENCH_SECONDS", "20"))
_READY_S = 120.0
# The load comes from few keys; what one may ask is not what is measured.
_OPTIONS = {"api_requests_per_s": "1000"}

BARS = (
    Bar(figure="write_ms_p99", unit="ms", most=50),
    Bar(figure="writes_refused", unit="writes", most=0),
    Bar(figure="page_ms_p99", unit="ms", most=20),
    Bar(figure="first_delivery_ms_max", unit="ms", most=2_500),
)


def run(console: Console) -> dict[str, object]:
    """Every phase, one after the other, on one set of services.

    Raises:
        BenchError: a phase came to no result.
    """
    if writes.needed(_FOR_S) > _WEBHOOKS:
        raise BenchError(f"{_FOR_S} s of writes need at least {writes.needed(_FOR_S):,} webhooks")
    where = machine.describe()
    with services() as around, receiving(around.folder / "receiver") as receiver:
        installation = Installation(
            folder=around.folder / "hookline",
            bootstrap=around.kafka.bootstrap,
            redis_url=around.redis.url(),
            prefix="bench.",
        )
        installation.create_topics()
        console.print(f"{_WEBHOOKS:,} webhooks onto the topic and into the cache ...")
        with installation.running(Role.PROJECTION):
            people = population.populate(installation, _WEBHOOKS)
            population.await_projected(installation)
            port = free_port()
            began_s = time.monotonic()
            listen = f"127.0.0.1:{port}"
            with installation.running(Role.API, on=cores.UNDER_TEST, api_listen=listen, **_OPTIONS) as pid:
                wait_until(lambda: _ready(port), within_s=_READY_S, what="the API is ready")
                ready_s = time.monotonic() - began_s
                figures = _asked(console, port, pid, people)
                console.print(f"{creation.TRIALS} webhooks, from creation to first delivery ...")
                with installation.running(Role.DELIVER):
                    firsts_ms = creation.measure(port, installation, receiver)
                rss_mb, peak_rss_mb = process.rss_mb(pid), process.peak_rss_mb(pid)
    return figures | {
        "first_delivery_ms_p50": round(percentile(firsts_ms, 0.50), 1),
        "first_delivery_ms_max": round(max(firsts_ms), 1),
        "ready_s": round(ready_s, 2),
        "rss_mb": round(rss_mb, 1),
        "rss_mb_peak": round(peak_rss_mb, 1),
        "machine": where,
    }


def _asked(console: Console, port: int, pid: int, people: Population) -> dict[str, object]:
    """What is asked over HTTP alone. The pages first: the writes are made by others than their owner."""
    console.print("pages of 100, through the cursor ...")
    listed = asyncio.run(pages.measure(port, people))
    console.print(f"{writes.A_SECOND} writes/s for {_FOR_S} s ...")
    written = asyncio.run(writes.measure(port, pid, people, for_s=_FOR_S))
    refused = written.refused()
    for answer in refused[:3]:
        console.print(f"refused: {answer}", markup=False)
    p99s = {place: percentile(took_ms, 0.99) for place, took_ms in listed.took_ms.items()}
    return {
        "webhooks": _WEBHOOKS,
        "writes": len(written.answers),
        "writes_refused": len(refused),
        "write_ms_p50": round(percentile(written.took_ms, 0.50), 2),
        "write_ms_p99": round(percentile(written.took_ms, 0.99), 2),
        "write_ms_max": round(max(written.took_ms), 2),
        "cpu_ms_per_write": round(written.cpu_ms_each, 2),
        "pages": len(listed.walk_ms),
        "page_ms_walk_p50": round(percentile(listed.walk_ms, 0.50), 2),
        "page_ms_walk_p99": round(percentile(listed.walk_ms, 0.99), 2),
        **{f"page_ms_{place}_p50": round(percentile(ms, 0.50), 2) for place, ms in listed.took_ms.items()},
        **{f"page_ms_{place}_p99": round(p99, 2) for place, p99 in p99s.items()},
        "page_ms_p99": round(max(p99s.values()), 2),
    }


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def main() -> int:
    """Measure, show, leave the file, judge; the exit code."""
    return results.measured("api", run, BARS, nginx=False)


if __name__ == "__main__":
    sys.exit(main())
