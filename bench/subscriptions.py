"""`python -m bench.subscriptions`: what very many webhooks cost. Leaves bench/out/subscriptions.json.

Matching an event where there are 1,000 webhooks and where there are 1,000,000, all of one tenant and in tenants of a
hundred; the memory that they take; and how fast the projection fills an emptied cache from the topic again. Ten
webhooks want each event. A match is made by what a role makes it with, without Kafka; the rebuild is the role's own.

BENCH_SUBSCRIPTIONS (default 1,000,000) and BENCH_PROJECTED (default 200,000) make it smaller.
"""

import gc
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from statistics import median
from typing import Final

import redis
from rich.console import Console

from bench import cores, machine, population, process, results
from bench.installation import BenchError, Installation
from bench.results import Bar
from bench.services import services
from consumer.events.event import Event
from consumer.roles.role import Role
from consumer.webhooks.matching import Matcher
from consumer.webhooks.subscription import Subscription
from tests.deliveries import event

FEW: Final = 1_000
MANY: Final = int(os.environ.get("BENCH_SUBSCRIPTIONS", "1000000"))
_PROJECTED: Final = int(os.environ.get("BENCH_PROJECTED", "200000"))
_A_TENANT: Final = 100
_WANT: Final = 10
_EVENTS: Final = 2_000
_ROUNDS: Final = 9
_WRITTEN: Final = 5_000

BARS: Final = (
    Bar(figure="match_one_tenant_times", unit="of 1,000's", most=1.2),
    Bar(figure="match_many_tenants_times", unit="of 1,000's", most=1.2),
    Bar(figure="projected_per_s", unit="webhooks/s of a core", least=50_000),
)


def run(console: Console) -> dict[str, object]:
    """All parts.

    Raises:
        BenchError: the projection came to no result.
    """
    where = machine.describe()
    with services() as around:
        installation = Installation(
            folder=around.folder / "hookline",
            bootstrap=around.kafka.bootstrap,
            redis_url=around.redis.url(),
            prefix="bench-subscriptions.",
        )
        installation.create_topics()
        template = next(population.created(installation, 1))
        with cores.starting_on(cores.UNDER_TEST):
            figures = _matched(console, template)
        return figures | _projected(console, installation, template, around.redis.url()) | {"machine": where}


# ── matching ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _matched(console: Console, template: Subscription) -> dict[str, object]:
    figures: dict[str, object] = {"subscriptions": MANY}
    for name, a_tenant in {"one_tenant": MANY, "many_tenants": _A_TENANT}.items():
        took: dict[int, float] = {}
        for number in (FEW, MANY):
            console.print(f"matching with {number:,} webhooks, {min(a_tenant, number):,} of a tenant ...")
            before_mb = process.rss_mb(os.getpid())
            matchers = _matchers(template, number, min(a_tenant, number))
            if number == MANY:
                grown_mb = process.rss_mb(os.getpid()) - before_mb
                figures[f"match_{name}_bytes_each"] = round(grown_mb * 1_048_576 / number)
            took[number] = _match_us(matchers, min(a_tenant, number))
            figures[f"match_{name}_us_{number}"] = round(took[number], 3)
            del matchers
            gc.collect()
        figures[f"match_{name}_times"] = round(took[MANY] / took[FEW], 3)
    return figures


def _matchers(template: Subscription, number: int, a_tenant: int) -> list[Matcher]:
    """Of each tenant, whose webhooks want a type each, ten the same one."""
    return [
        Matcher(
            tuple(
                replace(template, id=f"wh_{first + each}", tenant=f"t{first}", event_types=(_type(each // _WANT),))
                for each in range(a_tenant)
            )
        )
        for first in range(0, number, a_tenant)
    ]


def _type(number: int) -> str:
    return f"order.kind{number}"


def _match_us(matchers: Sequence[Matcher], a_tenant: int) -> float:
    """The median of rounds of events of any tenant and any type; all are asked for once before."""
    chance = random.Random(7)
    types = min(a_tenant // _WANT, _EVENTS)
    wanted: list[tuple[Matcher, Event]] = [
        (chance.choice(matchers), event("e", event_type=_type(chance.randrange(types)))) for _ in range(_EVENTS)
    ]
    took: list[float] = []
    for _ in range(_ROUNDS + 1):
        began_s = time.thread_time()
        for matcher, each in wanted:
            if len(matcher.match(each)) != _WANT:
                raise BenchError(f"{each.type}: not {_WANT} webhooks want it")
        took.append((time.thread_time() - began_s) / _EVENTS * 1e6)
    return median(took[1:])


# ── the projection ───────────────────────────────────────────────────────────────────────────────────────────────────


def _projected(
    console: Console, installation: Installation, template: Subscription, redis_url: str
) -> dict[str, object]:
    console.print(f"{_PROJECTED:,} webhooks onto the topic, and twice into the cache ...")
    made = _webhooks(template)
    while batch := list(islice(made, _WRITTEN)):
        installation.write(batch)
    with installation.running(Role.PROJECTION, on=cores.UNDER_TEST) as pid:
        population.await_projected(installation)
        with redis.Redis.from_url(redis_url) as client:
            before_s, began_s = process.cpu_s(pid), time.monotonic()
            client.flushall()
            time.sleep(1.5)  # until its next beat it does not know
            population.await_projected(installation)
            took_s, cpu_s = time.monotonic() - began_s, process.cpu_s(pid) - before_s
            used_mb = int(client.info("memory")["used_memory"]) / 1_048_576
        rss_mb = process.peak_rss_mb(pid)
    return {
        "projected": _PROJECTED,
        "projected_s": round(took_s, 2),
        "projected_per_s": round(_PROJECTED / cpu_s),
        "projection_us_each": round(cpu_s / _PROJECTED * 1e6, 1),
        "projection_rss_mb": round(rss_mb, 1),
        "cache_bytes_each": round(used_mb * 1_048_576 / _PROJECTED),
    }


def _webhooks(template: Subscription) -> Iterator[Subscription]:
    for number in range(_PROJECTED):
        yield replace(template, id=f"wh_{number:028x}", tenant=f"t{number // _A_TENANT}")


def main() -> int:
    """Measure, show, leave the file, judge; the exit code."""
    return results.measured("subscriptions", run, BARS, nginx=False)


if __name__ == "__main__":
    sys.exit(main())
