"""What one round of the isolation measurement found, and what the rounds of one trouble are together. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Final

from bench.latency import percentile
from bench.trouble import TROUBLED, WEBHOOKS, Taken, Trouble

A_SECOND: Final = 1_000
LEAST_THROUGHPUT: Final = 0.95
LEAST_TAKEN: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What the healthy webhooks got in `for_s` seconds, what the others held, and what those got.

    `came` of what was published for the healthy ones by a second after the last event, and `latencies_ms` of those that
    came while it was published. `delayed` counts records on the delay topics; `hanging_most` requests hung at once, and
    so many of one webhook.
    """

    for_s: float
    came: int
    latencies_ms: list[float]
    delayed_of_healthy: int
    delayed_of_troubled: int
    hung: int
    hanging_most: int
    hanging_most_of_one: int
    taken: Taken | None = None

    @property
    def healthy_share(self) -> float:
        """How much of what was published for the healthy webhooks had come."""
        return round(self.came * WEBHOOKS / (WEBHOOKS - TROUBLED) / int(A_SECOND * self.for_s), 4)

    @property
    def healthy_per_s(self) -> float:
        """How much of it came while it was published, a second."""
        return round(len(self.latencies_ms) / self.for_s, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All rounds of one trouble. For the last three see `Taken`."""

    healthy_share: float
    healthy_per_s: float
    p50_ms: float
    p99_ms: float
    p99_ms_of_rounds: list[float]
    delayed_of_healthy: int
    delayed_of_troubled: int
    hung: int
    hanging_most: int
    hanging_most_of_one: int
    taken_share: float | None
    rate_most: float | None
    fresh_share: float | None


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
        delayed_of_troubled=sum(each.delayed_of_troubled for each in rounds),
        hung=sum(each.hung for each in rounds),
        hanging_most=max(each.hanging_most for each in rounds),
        hanging_most_of_one=max(each.hanging_most_of_one for each in rounds),
        taken_share=_figure(rounds, lambda each: each.share, mean),
        rate_most=_figure(rounds, lambda each: each.rate_most, max),
        fresh_share=_figure(rounds, lambda each: each.fresh_share, mean),
    )


def _figure(
    rounds: Sequence[Round], of: Callable[[Taken], float | None], make: Callable[[list[float]], float]
) -> float | None:
    """A figure of what those in trouble got, over the rounds that have it."""
    found = [figure for each in rounds if each.taken is not None and (figure := of(each.taken)) is not None]
    return round(make(found), 4) if found else None


def compare(without: Run, with_: Run, trouble: Trouble) -> dict[str, float | bool]:
    """How much the healthy webhooks kept, and whether all got what they are to get."""
    throughput = with_.healthy_per_s / without.healthy_per_s
    p99 = with_.p99_ms / without.p99_ms
    return {
        "throughput_share": round(throughput, 4),
        "p99_ratio": round(p99, 2),
        "kept": throughput >= LEAST_THROUGHPUT
        and p99 <= trouble.most_p99
        and (with_.taken_share is None or with_.taken_share >= LEAST_TAKEN),
    }
