"""What groups have not read yet, as the console shows it: lag, what waits to be retried, what stands still. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consumer.console.stuck import STILL_S, Found
from consumer.kafka.lag import Behind
from consumer.kafka.topics import Topics
from consumer.portal.times import span
from consumer.setting_values import duration_ms
from consumer.settings import Settings

TOPICS_MOST: Final = 40
PARTITIONS_MOST: Final = 12
STUCK_MOST: Final = 40
LATE_MS: Final = 60_000
"""A retry that is not begun so long after it was due is overdue: a partition's turn may take some seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionLag:
    """One that is behind."""

    partition: int
    lag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LagRow:
    """A topic that a group reads; those of its partitions that are behind most, and how many more are."""

    group: str
    topic: str
    lag: int
    oldest: str | None
    partitions: tuple[PartitionLag, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LagView:
    """`more` topics are not shown, which are behind least."""

    rows: tuple[LagRow, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """A delay topic. `overdue` is None where nobody tells how old its oldest record is."""

    delay: str
    records: int
    oldest: str | None
    overdue: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRow:
    """A partition that stands still."""

    group: str
    topic: str
    partition: int
    lag: int
    still: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckView:
    """`watched` is how long ago this process looked first, None: just now; `enough`: long enough to tell."""

    rows: tuple[StuckRow, ...]
    more: int
    watched: str | None
    enough: bool


def groups(settings: Settings) -> list[str]:
    """Those that commit what they have read."""
    topics = Topics.of(settings)
    return [topics.group(role) for role in ("deliver", "retry", "projection", "log", "jobs", "suspensions")]


def lag_view(behind: Sequence[Behind], ages_s: Mapping[str, float], settings: Settings) -> LagView:
    """All but the delay topics: what waits there waits on purpose."""
    topics = Topics.of(settings)
    by: defaultdict[tuple[str, str], list[Behind]] = defaultdict(list)
    for each in behind:
        if each.topic not in topics.retry_topics:
            by[each.group, each.topic].append(each)
    rows = sorted((_row(of, each, ages_s, topics) for of, each in by.items()), key=lambda row: -row.lag)
    return LagView(rows=tuple(rows[:TOPICS_MOST]), more=max(0, len(rows) - TOPICS_MOST))


def waiting_view(behind: Sequence[Behind], ages_s: Mapping[str, float], settings: Settings) -> tuple[WaitingRow, ...]:
    """Every delay topic, the spill topic first."""
    topics = Topics.of(settings)
    records: defaultdict[str, int] = defaultdict(int)
    for each in behind:
        records[each.topic] += each.lag
    rows: list[WaitingRow] = []
    for topic, delay in zip(topics.retry_topics, ("0s", *settings.retry_delays), strict=True):
        age_s = ages_s.get(topic)
        overdue = None if age_s is None else age_s * 1_000 > duration_ms(delay) + LATE_MS
        rows.append(WaitingRow(delay=delay, records=records[topic], oldest=_age(age_s), overdue=overdue))
    return tuple(rows)


def stuck_view(found: Found, settings: Settings) -> StuckView:
    """Those that stand still for longest first."""
    stuck = sorted(found.stuck, key=lambda each: -each.still_s)
    prefix = Topics.of(settings).prefix
    return StuckView(
        rows=tuple(
            StuckRow(
                group=each.behind.group.removeprefix(prefix),
                topic=each.behind.topic,
                partition=each.behind.partition,
                lag=each.behind.lag,
                still=span(each.still_s * 1_000),
            )
            for each in stuck[:STUCK_MOST]
        ),
        more=max(0, len(stuck) - STUCK_MOST),
        watched=span(found.watched_s * 1_000) if found.watched_s >= 1 else None,
        enough=found.watched_s >= STILL_S,
    )


def _row(of: tuple[str, str], behind: Sequence[Behind], ages_s: Mapping[str, float], topics: Topics) -> LagRow:
    group, topic = of
    late = sorted((each for each in behind if each.lag), key=lambda each: (-each.lag, each.partition))
    return LagRow(
        group=group.removeprefix(topics.prefix),
        topic=topic,
        lag=sum(each.lag for each in late),
        oldest=_age(ages_s.get(topic)) if late else None,
        partitions=tuple(PartitionLag(partition=each.partition, lag=each.lag) for each in late[:PARTITIONS_MOST]),
        more=max(0, len(late) - PARTITIONS_MOST),
    )


def _age(age_s: float | None) -> str | None:
    return None if not age_s else span(age_s * 1_000, rough=True)
