"""`python -m bench.isolation [TROUBLE…]`: do webhooks in trouble hurt the others, and get what they can take?

200 webhooks, 1,000 deliveries a second. Once all answer; then 20 of them accept every request and never answer (timeout
10 s), on origins of their own or on the origin that the healthy ones share; or they are limited to 3/s, or take 8 s for
an answer, or go away for 20 s of each minute (`trouble.py`). All, or those that are named, take turns with the run in
which all answer, three times, so that a machine's slow minute falls on all of them. Before them come rounds in which
all answer, until their p99 is that of a warm broker. Measured is from the first requests that hang.

The law: the same 180 webhooks are compared in every run, by what their receiver saw. They keep ≥ 95 % of their
throughput and a p99 (publish to receive) of at most twice that of the run in which all answer, or 1.5 times where
nobody hangs. Those in trouble get ≥ 95 % of what they can take. Exit 1 when it is not so.

ISOLATION_SECONDS (default 60) sets how long each is measured, its three rounds together; those that go away for a part
of each minute are measured for whole minutes.
"""

import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace

from rich.console import Console
from rich.table import Table

from bench import cores, machine, results
from bench.audience import Audience
from bench.installation import BenchError, Installation, wait_until
from bench.latency import percentile
from bench.load import Load
from bench.receiver import Seen, receiving
from bench.rounds import A_SECOND, LEAST_TAKEN, LEAST_THROUGHPUT, Round, Run, compare, together
from bench.services import services
from bench.trouble import TROUBLED, WEBHOOKS, Trouble, audience, is_troubled, taken
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.roles.role import Role
from tests.services.server import ServiceError

_ROUNDS = 3
_CALM_MS = 100
_CALM_WITHIN = 10  # rounds
_LINGER_MS = 5  # as producers of Kafka 4 do unless told otherwise (KIP-1030)
_WARM_UP_S = 5.0  # the group has formed and caught up; the first to hang have half their timeout left
_GRACE_S = 1.0  # after the last event was published; counts for `healthy_share`, not for the throughput
_FOR_S = float(os.environ.get("ISOLATION_SECONDS", "60"))


def measure(installation: Installation, trouble: Trouble, *, for_s: float, warm_up_s: float) -> Round:
    """Run all roles of a fresh installation under the load: for so long to warm up, then for so long to measure.

    Raises:
        BenchError: the roles did not come to work.
    """
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving(installation.folder / "receiver", 1 + TROUBLED))
        all_ = audience(receiver, trouble)
        installation.create_topics()
        load = Load(installation.bootstrap, installation.event_topic, linger_ms=_LINGER_MS)
        stack.enter_context(installation.running(Role.PROJECTION))
        installation.subscribe(all_)
        installation.await_cache(all_)
        stack.enter_context(installation.running(Role.RETRY, on=cores.UNDER_TEST))
        stack.enter_context(installation.running(Role.DELIVER, on=cores.UNDER_TEST))
        _warm_up(installation, load, all_, warm_up_s)
        receiver.begin()
        began_ns = time.time_ns()
        load.publish_paced(all_, a_second=A_SECOND, for_s=for_s)
        time.sleep(_GRACE_S)
        seen = receiver.finish()
    got = taken(trouble, seen.arrivals, began_ns=began_ns, for_s=for_s, published=int(A_SECOND * for_s) // WEBHOOKS)
    return replace(_round(installation, all_, seen, began_ns, for_s), taken=got)


def _warm_up(installation: Installation, load: Load, all_: Audience, for_s: float) -> None:
    """Every process has joined and connected, and what was published meanwhile is delivered."""
    load.publish_paced(all_, a_second=A_SECOND, for_s=for_s)
    to_healthy = int(A_SECOND * for_s) * (WEBHOOKS - TROUBLED) // WEBHOOKS
    wait_until(lambda: installation.attempts() >= to_healthy, within_s=30, what="the warm-up is delivered")


def _round(installation: Installation, all_: Audience, seen: Seen, began_ns: int, for_s: float) -> Round:
    until_ns = began_ns + int(for_s * 1_000_000_000)
    came = [each for each in seen.arrivals if not is_troubled(each.webhook) and each.published_ns >= began_ns]
    latencies_ms = [each.latency_ms for each in came if each.received_ns <= until_ns]
    if not latencies_ms:
        raise BenchError("no healthy webhook received anything")
    delayed = _delayed(installation)
    of_troubled = {all_.id(webhook) for webhook in range(WEBHOOKS) if is_troubled(webhook)}
    return Round(
        for_s=for_s,
        came=len(came),
        latencies_ms=latencies_ms,
        delayed_of_healthy=sum(number for id_, number in delayed.items() if id_ not in of_troubled),
        delayed_of_troubled=sum(number for id_, number in delayed.items() if id_ in of_troubled),
        hung=seen.hung,
        hanging_most=seen.hanging_most,
        hanging_most_of_one=seen.hanging_most_of_one,
    )


def _delayed(installation: Installation) -> Counter[str]:
    """Records on the delay topics, by subscription; not those without a key, which ask for the broker's time."""
    settings = installation.settings
    topics = Topics.of(settings).retry_topics
    keys = (record.key for topic in topics for record in read_to_end(settings, topic))
    return Counter(key.decode() for key in keys if key is not None)


def _all_runs(console: Console, troubles: Sequence[Trouble]) -> dict[Trouble, Run]:
    with services() as around:
        numbers = itertools.count()

        def once(trouble: Trouble) -> Round:
            number = next(numbers)
            for_s = max(_FOR_S / _ROUNDS, trouble.least_s)
            console.print(f"{trouble}: {A_SECOND:,} deliveries/s for {for_s:g} s ...")
            installation = Installation(
                folder=around.folder / f"{trouble.name}-{number}",
                bootstrap=around.kafka.bootstrap,
                redis_url=around.redis.url(number),
                prefix=f"isolation{number}.",
            )
            return measure(installation, trouble, for_s=for_s, warm_up_s=_WARM_UP_S)

        _await_calm(console, lambda: once(Trouble.NONE))
        rounds = [(trouble, once(trouble)) for _ in range(_ROUNDS) for trouble in troubles]
    return {trouble: together([each for of, each in rounds if of is trouble]) for trouble in troubles}


def _await_calm(console: Console, once: Callable[[], Round]) -> None:
    """Rounds in which all answer, until Java has compiled the broker and the machine keeps up.

    Raises:
        BenchError: it never does.
    """
    for _ in range(_CALM_WITHIN):
        p99_ms = percentile(once().latencies_ms, 0.99)
        console.print(f"all answer: p99 {p99_ms:.0f} ms")
        if p99_ms <= _CALM_MS:
            return
    raise BenchError(f"this machine is too slow: with webhooks that all answer the p99 stays above {_CALM_MS} ms")


def show(console: Console, runs: dict[Trouble, Run]) -> None:
    """One column a run."""
    table = Table(title=f"{WEBHOOKS} webhooks, {TROUBLED} of them in trouble:")
    table.add_column("figure")
    for trouble in runs:
        table.add_column(trouble, justify="right")
    columns = [asdict(run) for run in runs.values()]
    for figure in columns[0]:
        table.add_row(figure, *(_shown(column[figure]) for column in columns))
    console.print(table)


def _shown(figure: float | list[float] | None) -> str:
    return "" if figure is None else results.shown(figure)


def main(named: Sequence[str]) -> int:
    """Measure, show, leave the file, judge; the exit code."""
    console = Console()
    troubles = [
        Trouble.NONE,
        *(each for each in Trouble if each is not Trouble.NONE and (each.name in named or not named)),
    ]
    where = machine.describe()
    try:
        runs = _all_runs(console, troubles)
    except (BenchError, ServiceError) as error:
        print(f"isolation: FAIL: {error}")
        return 1
    show(console, runs)
    compared = {
        trouble: compare(runs[Trouble.NONE], run, trouble)
        for trouble, run in runs.items()
        if trouble is not Trouble.NONE
    }
    found = {"seconds": _FOR_S, "runs": {trouble: asdict(run) for trouble, run in runs.items()}}
    print(f"figures: {results.write('isolation', found | {'compared': compared, 'machine': where})}")
    kept = all(each["kept"] for each in compared.values())
    said = "; ".join(
        f"{trouble}: {each['throughput_share']:.1%} of the throughput (≥ {LEAST_THROUGHPUT:.0%}), p99 "
        f"{each['p99_ratio']} times (≤ {trouble.most_p99:g})" + _taken_words(runs[trouble])
        for trouble, each in compared.items()
    )
    print(f"isolation: {'PASS' if kept else 'FAIL'}: {said}")
    return 0 if kept else 1


def _taken_words(run: Run) -> str:
    if run.taken_share is None:
        return ""
    return f", those in trouble got {run.taken_share:.1%} of what they can take (≥ {LEAST_TAKEN:.0%})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
