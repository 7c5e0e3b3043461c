"""Of which webhooks figures are told on the admin port, one by one, and which. Pure."""

from collections.abc import Iterable, Iterator
from heapq import nlargest
from typing import Final, TypeAlias

from consumer.log.health import Health
from consumer.log.stats import Period, Stats, buckets, total

Figure: TypeAlias = tuple[str, float, tuple[str, ...]]
"""A metric's name without its beginning, its value, and its labels behind those of the webhook."""

_S: Final = 1_000


def worst(rows: Iterable[tuple[str, Health]], most: int) -> list[str]:
    """The webhooks that fail, the most failures in a row first."""
    failing = ((name, health) for name, health in rows if health.consecutive_failures > 0)
    return [name for name, _ in nlargest(most, failing, key=lambda row: (row[1].consecutive_failures, row[0]))]


def figures(health: Health, stats: Stats, now_ms: int) -> Iterator[Figure]:
    """What is told of one webhook; what it has none of is left out."""
    failing_ms = 0 if health.failing_since_ms is None else max(0, now_ms - health.failing_since_ms)
    yield "failing_seconds", failing_ms / _S, ()
    yield "consecutive_failures", health.consecutive_failures, ()
    if health.avg_response_ms is not None:
        yield "response_seconds", round(health.avg_response_ms / _S, 6), ()
    if health.last_attempt_at_ms:
        yield "last_attempt_timestamp_seconds", health.last_attempt_at_ms / _S, ()
    if health.last_success_at_ms is not None:
        yield "last_success_timestamp_seconds", health.last_success_at_ms / _S, ()
    attempts = total(buckets([stats], Period.DAY, now_ms))
    yield "attempts_of_day", attempts.delivered, ("accepted",)
    yield "attempts_of_day", attempts.failed, ("failed",)
