"""`python -m bench.isolation`: do webhooks that hang hurt the others? Leaves bench/out/isolation.json.

200 webhooks, 1,000 deliveries a second. Once all answer; then 20 of them accept every request and never answer
(timeout 10 s), once on origins of their own and once on the origin that the healthy ones share. The three take turns,
four times, so that a machine's slow minute falls on all of them; the first turn is for Java, which compiles the broker
meanwhile. Measured is from the first requests that hang.

The law: the same 180 webhooks are compared in every run, by what their receiver saw. They keep ≥ 95 % of their
throughput and a p99 (publish to receive) of at most twice that of the run in which all answer. Exit 1 when they do not.

ISOLATION_SECONDS (default 60) sets how long each is measured, its three rounds together.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum

from rich.console import Console
from rich.table import Table

from bench import cores, machine, results
from bench.audience import Audience
from bench.installation import BenchError, Installation, wait_until
from bench.latency import percentile
from bench.load import Load
from bench.receiver import Receiver, Seen, receiving
from bench.services import services
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.roles.role import Role
from tests.services.server import ServiceError

WEBHOOKS = 200
HANGING = 20
A_SECOND = 1_000
LEAST_THROUGHPUT = 0.95
MOST_P99 = 2.0

_TENANTS = 20
_ROUNDS = 3
_WARM_UP_S = 5.0  # the group has formed and caught up; the first to hang have half their timeout left
_GRACE_S = 1.0  # after the last event was published; counts for `healthy_share`, not for the throughput
_FOR_S = float(os.environ.get("ISOLATION_SECONDS", "60"))


class Trouble(StrEnum):
    """Which webhooks hang."""

    NONE = "none"
    OWN_ORIGINS = "own origins"
    SHARED_ORIGIN = "shared origin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What the healthy webhooks got in `for_s` seconds, and what the others held.

    `came` of what was published for the healthy ones by a second after the last event, and `latencies_ms` of those that
    came while it was published. `delayed` counts records on the delay topics; `hanging_most` requests hung at once, and
    so many of one webhook.
    """

    for_s: float
    came: int
    latencies_ms: list[float]
    delayed_of_healthy: int
    delayed_of_hanging: int
    hung: int
    hanging_most: int
    hanging_most_of_one: int

    @property
    def healthy_share(self) -> float:
        """How much of what was published for the healthy webhooks had come."""
        return round(self.came * WEBHOOKS / (WEBHOOKS - HANGING) / int(A_SECOND * self.for_s), 4)

    @property
    def healthy_per_s(self) -> float:
        """How much of it came while it was published, a second."""
        return round(len(self.latencies_ms) / self.for_s, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All rounds of one trouble."""

    healthy_share: float
    healthy_per_s: float
    p50_ms: float
    p99_ms: float
    p99_ms_of_rounds: list[float]
    delayed_of_healthy: int
    delayed_of_hanging: int
    hung: int
    hanging_most: int
    hanging_most_of_one: int


def is_hanging(webhook: int) -> bool:
    """Whether it is one of those that hang where any do: every tenth, so that every other tenant has some."""
    return webhook % (WEBHOOKS // HANGING) == 0


def measure(installation: Installation, trouble: Trouble, *, for_s: float, warm_up_s: float) -> Round:
    """Run all roles of a fresh installation under the load: for so long to warm up, then for so long to measure.

    Raises:
        BenchError: the roles did not come to work.
    """
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving(installation.folder / "receiver", 1 + HANGING))
        audience = _audience(receiver, trouble)
        installation.create_topics()
        load = Load(installation)
        stack.enter_context(installation.running(Role.PROJECTION))
        installation.subscribe(audience)
        installation.await_cache(audience)
        stack.enter_context(installation.running(Role.RETRY))
        stack.enter_context(installation.running(Role.DELIVER, on=cores.UNDER_TEST))
        _warm_up(installation, load, audience, warm_up_s)
        began_ns = time.time_ns()
        load.publish_paced(audience, a_second=A_SECOND, for_s=for_s)
        time.sleep(_GRACE_S)
        seen = receiver.finish()
    return _round(installation, audience, seen, began_ns, for_s)


def _warm_up(installation: Installation, load: Load, audience: Audience, for_s: float) -> None:
    """Every process has joined and connected, and what was published meanwhile is delivered."""
    load.publish_paced(audience, a_second=A_SECOND, for_s=for_s)
    to_healthy = int(A_SECOND * for_s) * (WEBHOOKS - HANGING) // WEBHOOKS
    wait_until(lambda: installation.attempts() >= to_healthy, within_s=30, what="the warm-up is delivered")


def _audience(receiver: Receiver, trouble: Trouble) -> Audience:
    shared, *own = receiver.ports

    def url(webhook: int) -> str:
        if trouble is Trouble.NONE or not is_hanging(webhook):
            return f"http://127.0.0.1:{shared}/take/{webhook}"
        port = shared if trouble is Trouble.SHARED_ORIGIN else own[webhook // (WEBHOOKS // HANGING)]
        return f"http://127.0.0.1:{port}/hang/{webhook}"

    return Audience(name="wh", webhooks=WEBHOOKS, tenants=_TENANTS, url=url)


def _round(installation: Installation, audience: Audience, seen: Seen, began_ns: int, for_s: float) -> Round:
    until_ns = began_ns + int(for_s * 1_000_000_000)
    came = [each for each in seen.arrivals if not is_hanging(each.webhook) and each.published_ns >= began_ns]
    latencies_ms = [each.latency_ms for each in came if each.received_ns <= until_ns]
    if not latencies_ms:
        raise BenchError("no healthy webhook received anything")
    delayed = _delayed(installation)
    of_hanging = {audience.id(webhook) for webhook in range(WEBHOOKS) if is_hanging(webhook)}
    return Round(
        for_s=for_s,
        came=len(came),
        latencies_ms=latencies_ms,
        delayed_of_healthy=sum(number for id_, number in delayed.items() if id_ not in of_hanging),
        delayed_of_hanging=sum(number for id_, number in delayed.items() if id_ in of_hanging),
        hung=seen.hung,
        hanging_most=seen.hanging_most,
        hanging_most_of_one=seen.hanging_most_of_one,
    )


def together(rounds: Sequence[Round]) -> Run:
    """One trouble's rounds as one: percentiles over all deliveries, sums, and the most of all."""
    latencies_ms = [latency for each in rounds for latency in each.latencies_ms]
    return Run(
        healthy_share=round(sum(each.healthy_share for each in rounds) / len(rounds), 4),
        healthy_per_s=round(sum(each.healthy_per_s for each in rounds) / len(rounds), 1),
        p50_ms=round(percentile(latencies_ms, 0.50), 2),
        p99_ms=round(percentile(latencies_ms, 0.99), 2),
        p99_ms_of_rounds=[round(percentile(each.latencies_ms, 0.99), 2) for each in rounds],
        delayed_of_healthy=sum(each.delayed_of_healthy for each in rounds),
        delayed_of_hanging=sum(each.delayed_of_hanging for each in rounds),
        hung=sum(each.hung for each in rounds),
        hanging_most=max(each.hanging_most for each in rounds),
        hanging_most_of_one=max(each.hanging_most_of_one for each in rounds),
    )


def _delayed(installation: Installation) -> Counter[str]:
    """Records on the delay topics, by subscription; not those without a key, which ask for the broker's time."""
    settings = installation.settings
    topics = Topics.of(settings).retry_topics
    keys = (record.key for topic in topics for record in read_to_end(settings, topic))
    return Counter(key.decode() for key in keys if key is not None)


def compare(without: Run, with_: Run) -> dict[str, float | bool]:
    """How much the healthy webhooks kept."""
    throughput = with_.healthy_per_s / without.healthy_per_s
    p99 = with_.p99_ms / without.p99_ms
    return {
        "throughput_share": round(throughput, 4),
        "p99_ratio": round(p99, 2),
        "kept": throughput >= LEAST_THROUGHPUT and p99 <= MOST_P99,
    }


def _all_runs(console: Console) -> dict[Trouble, Run]:
    rounds: dict[Trouble, list[Round]] = {trouble: [] for trouble in Trouble}
    with services() as around:
        for number, trouble in enumerate(list(Trouble) * (1 + _ROUNDS)):
            console.print(f"hanging: {trouble}: {A_SECOND:,} deliveries/s for {_FOR_S / _ROUNDS:g} s ...")
            installation = Installation(
                folder=around.folder / f"{trouble.name}-{number}",
                bootstrap=around.kafka.bootstrap,
                redis_url=around.redis.url(number),
                prefix=f"isolation{number}.",
            )
            rounds[trouble].append(measure(installation, trouble, for_s=_FOR_S / _ROUNDS, warm_up_s=_WARM_UP_S))
    return {trouble: together(measured) for trouble, (_compiling, *measured) in rounds.items()}


def show(console: Console, runs: dict[Trouble, Run]) -> None:
    """One column a run."""
    table = Table(title=f"{WEBHOOKS} webhooks, {HANGING} of them hanging on:")
    table.add_column("figure")
    for trouble in runs:
        table.add_column(trouble, justify="right")
    columns = [asdict(run) for run in runs.values()]
    for figure in columns[0]:
        table.add_row(figure, *(results.shown(column[figure]) for column in columns))
    console.print(table)


def main() -> int:
    """Measure, show, leave the file, judge; the exit code."""
    console = Console()
    where = machine.describe()
    try:
        runs = _all_runs(console)
    except (BenchError, ServiceError) as error:
        print(f"isolation: FAIL: {error}")
        return 1
    show(console, runs)
    compared = {
        trouble: compare(runs[Trouble.NONE], run) for trouble, run in runs.items() if trouble is not Trouble.NONE
    }
    found = {"seconds": _FOR_S, "runs": {trouble: asdict(run) for trouble, run in runs.items()}}
    print(f"figures: {results.write('isolation', found | {'compared': compared, 'machine': where})}")
    kept = all(each["kept"] for each in compared.values())
    said = "; ".join(
        f"{trouble}: {each['throughput_share']:.1%} of the throughput, p99 {each['p99_ratio']} times"
        for trouble, each in compared.items()
    )
    print(f"isolation: {'PASS' if kept else 'FAIL'}: {said} (≥ {LEAST_THROUGHPUT:.0%}, ≤ {MOST_P99:g} times)")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
