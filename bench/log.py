"""`python -m bench.log`: does the log's index keep its bounds? Leaves bench/out/log.json.

Attempts go through what the role `log` does with each of them, into a Redis of its own, on one core: read, packed,
appended, cut to the memory that is set. Then its customers look: first pages, pages with filters, pages far back, an
id. Exit 1 when a bar is missed.

Last they are shown it: the portal's page of the log, by its real application, which has 1,000 webhooks in memory and
this index in Redis.

BENCH_ATTEMPTS (default 1,000,000; the requirement is 10,000,000) and BENCH_WEBHOOKS (2,000) change the size.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Final, cast

import redis
from msgspec.structs import replace
from pydantic import SecretStr
from rich.console import Console

from bench import cores, machine, results
from bench.latency import percentile
from bench.results import Bar
from consumer.events.event import Record
from consumer.kafka.records import encode_attempt
from consumer.kafka.writing import NewRecord
from consumer.log.attempts import head_of
from consumer.log.entry import Ended
from consumer.log.index import Bounds
from consumer.log.index_store import IndexStore
from consumer.log.indexing import Loaded
from consumer.log.packing import Packing
from consumer.log.query import Cursor, Page, Query, View
from consumer.log.reading import LogReader
from consumer.log.tending import Taken, Tending
from consumer.setting_values import duration_ms, size_bytes
from consumer.settings import Settings
from consumer.webhooks.cache import Cache, connect_log
from consumer.webhooks.record import rewrite_of
from tests.attempts import plain
from tests.memory_portal import MemoryPortal
from tests.services.redis import Redis
from tests.webhook_samples import subscription

ATTEMPTS: Final = int(os.environ.get("BENCH_ATTEMPTS", "1000000"))
WEBHOOKS: Final = int(os.environ.get("BENCH_WEBHOOKS", "2000"))
TENANTS: Final = max(1, WEBHOOKS // 20)
_BATCH: Final = 5_000
_LOOKS: Final = 200
_SHOWN_WEBHOOKS: Final = 1_000
_SHOWN_TENANTS: Final = 20
# So that the bound is reached: a tenth of the webhooks have nearly all attempts.
_MEMORY: Final = f"{max(8, ATTEMPTS * 50 // 1_048_576)}MiB"

BARS = (
    Bar(figure="attempts_per_s", unit="a second of CPU", least=20_000),
    Bar(figure="memory_percent", unit="% of its setting", most=105),
    Bar(figure="first_page_ms_p95", unit="ms", most=50),
    Bar(figure="portal_log_ms_p95", unit="ms", most=50),
)


def tenant_of(number: int) -> str:
    """Whose this webhook is."""
    return f"tenant_{number % TENANTS}"


def webhook_of(number: int) -> str:
    """Its id."""
    return f"wh_01a0c3f2d800b4e1f0a9{number:08x}"


class Bench:
    """One Redis, one partition."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.settings = Settings(log_redis_url=SecretStr(url), partitions=1, log_memory=_MEMORY, redis_timeout="10s")
        self.now_ms = time.time_ns() // 1_000_000
        self.chance = random.Random(1)
        self.cache = Cache(connect_log(self.settings))
        bounds = Bounds(plain=self.settings.log_plain, eventful=self.settings.log_eventful)
        self.store = IndexStore(
            self.cache,
            topic_prefix=self.settings.topic_prefix,
            bounds=bounds,
            kept_for_ms=duration_ms(self.settings.log_for),
        )
        self.packing = Packing(self.settings, lambda: self.now_ms)
        self.tending = Tending.loaded(
            Loaded(), end=0, share_bytes=size_bytes(self.settings.log_memory), now_ms=self.now_ms
        )
        self.offset = 0

    def records(self) -> list[Record]:
        """A batch as Kafka gives it: one in five failed."""
        found = []
        for _ in range(_BATCH):
            number = self.chance.randrange(WEBHOOKS // 10 if self.chance.random() < 0.9 else WEBHOOKS)
            attempt = replace(
                plain,
                delivery_id=f"{self.offset:032x}",
                event_id=f"orders-3-{self.offset}",
                tenant=tenant_of(number),
                subscription_id=webhook_of(number),
                at_ms=self.now_ms - 40,
                url="https://hooks.example.com/in/1234567890",
                status=503 if self.offset % 5 == 0 else 200,
                outcome="dead" if self.offset % 5 == 0 else "delivered",
                reason="exhausted" if self.offset % 5 == 0 else None,
            )
            record = Record(
                topic="attempts",
                partition=0,
                offset=self.offset,
                key=None,
                value=encode_attempt(attempt),
                headers=(),
                timestamp_ms=self.now_ms,
            )
            found.append(record)
            self.offset += 1
        self.now_ms += 250
        return found

    def index(self, records: list[Record]) -> None:
        """What the role does with them, and its thread."""
        taken: list[Taken] = [self.packing.taken(record, head_of(record.value or b"")) for record in records]
        self.tending.take(taken, self.offset)
        for _ in range(2):
            asks = self.tending.asked(self.now_ms)
            done = self.store.do(0, asks, owners=self.tending.owners, since_ms=self.tending.since_ms)
            self.tending.answered(done)
            self.tending.level()
        self.tending.at_end_ms = self.now_ms

    def tell(self) -> None:
        self.store.tell({0: self.tending.progress})


def run(console: Console) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="hookline-bench-") as folder:
        with cores.starting_on(cores.SURROUNDINGS):
            server = Redis.start(Path(folder) / "redis")
        try:
            bench = Bench(server.url())
            with closing(bench.cache), cores.starting_on(cores.UNDER_TEST):
                return (
                    _indexed(console, bench)
                    | _looked(console, bench)
                    | _shown(console, bench)
                    | {"machine": machine.describe()}
                )
        finally:
            server.stop()


def _indexed(console: Console, bench: Bench) -> dict[str, object]:
    console.print(f"{ATTEMPTS:,} attempts of {WEBHOOKS:,} webhooks into {_MEMORY} ...")
    bench.index([])
    before = _redis(bench.url)
    took_s = 0.0
    while bench.offset < ATTEMPTS:
        records = bench.records()
        began_s = time.process_time()
        bench.index(records)
        took_s += time.process_time() - began_s
    bench.tell()
    after = _redis(bench.url)
    used = after["used_memory"] - before["used_memory"]
    redis_s = sum(after[each] - before[each] for each in ("used_cpu_user", "used_cpu_sys"))
    return {
        "attempts": bench.offset,
        "webhooks": WEBHOOKS,
        "attempts_per_s": round(bench.offset / took_s),
        "cpu_us_per_attempt": round(took_s / bench.offset * 1e6, 2),
        "redis_us_per_attempt": round(redis_s / bench.offset * 1e6, 2),
        "entries": bench.tending.entries,
        "bytes_per_entry": round(used / bench.tending.entries, 1),
        "memory_percent": round(100 * used / size_bytes(bench.settings.log_memory), 1),
        "counted_percent": round(100 * bench.tending.bytes / size_bytes(bench.settings.log_memory), 1),
    }


def _redis(url: str) -> dict[str, float]:
    """What Redis says of itself."""
    with redis.Redis.from_url(url) as client:
        return cast("dict[str, float]", client.info())


def _looked(console: Console, bench: Bench) -> dict[str, object]:
    console.print("pages ...")
    with closing(LogReader(bench.settings, now_ms=lambda: bench.now_ms)) as reader:

        def page(query: Query, view: View = View.DELIVERIES, cursor: Cursor | None = None, tenant: int = 0) -> Page:
            return reader.page(view, tenant=f"tenant_{tenant}", brand="hookline", query=query, limit=50, cursor=cursor)

        def id_sought() -> Page:
            return page(Query(events=frozenset({f"orders-3-{bench.chance.randrange(bench.offset)}"})))

        far: list[Cursor] = []
        cursor: Cursor | None = None
        for _ in range(100):
            cursor = page(Query(), cursor=cursor).next
            if cursor is None:
                break
            far.append(cursor)
        one = frozenset({webhook_of(3 % WEBHOOKS)})
        looks: dict[str, Callable[[], Page]] = {
            "first_page": lambda: page(Query(), tenant=bench.chance.randrange(TENANTS)),
            "webhook_page": lambda: page(Query(webhooks=one), tenant=3 % TENANTS),
            "failed_page": lambda: page(Query(ended=frozenset({Ended.DEAD})), tenant=bench.chance.randrange(TENANTS)),
            "far_page": lambda: page(Query(), cursor=bench.chance.choice(far)),
            "id_sought": id_sought,
        }
        figures: dict[str, object] = {}
        for name, look in looks.items():
            took_ms = []
            for _ in range(_LOOKS if name != "id_sought" else 20):
                began_s = time.perf_counter()
                look()
                took_ms.append((time.perf_counter() - began_s) * 1_000)
            figures[f"{name}_ms_p50"] = round(percentile(took_ms, 0.50), 2)
            figures[f"{name}_ms_p95"] = round(percentile(took_ms, 0.95), 2)
    return figures


def _shown(console: Console, bench: Bench) -> dict[str, object]:
    console.print("pages of the portal ...")
    figures: dict[str, object] = {}
    with closing(LogReader(bench.settings, now_ms=lambda: bench.now_ms)) as reader:
        portal = MemoryPortal(log=reader)
        for number in range(_SHOWN_WEBHOOKS):
            made = subscription(webhook_of(number), tenant_of(number), name=f"Webhook {number}")
            new = rewrite_of(made)
            portal.api.topics.subscriptions.write(
                NewRecord(topic="subscriptions", key=new.key, value=new.value, headers=new.headers)
            )
        browsers = [portal.enter(tenant=f"tenant_{number}") for number in range(min(TENANTS, _SHOWN_TENANTS))]
        for name, path in {"portal_webhooks": "webhooks", "portal_log": "log"}.items():
            took_ms = []
            for number in range(_LOOKS):
                began_s = time.perf_counter()
                answer = browsers[number % len(browsers)].get(path)
                took_ms.append((time.perf_counter() - began_s) * 1_000)
                assert answer.status_code == HTTPStatus.OK, answer.text
            figures[f"{name}_ms_p50"] = round(percentile(took_ms, 0.50), 2)
            figures[f"{name}_ms_p95"] = round(percentile(took_ms, 0.95), 2)
    return figures


def main() -> int:
    """Measure, show, leave the file, judge; the exit code."""
    console = Console()
    return results.judge(console, "log", run(console), BARS)


if __name__ == "__main__":
    sys.exit(main())
