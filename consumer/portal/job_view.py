"""A job as pages show it: how far it is, what was counted, what it sends. Pure.

The law: pages show what the API tells, by the same function (`jobs/resource.py: shown`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Answered, State
from consumer.jobs.resource import shown
from consumer.portal.log_rows import ms_of
from consumer.portal.names import Named, named, shortened
from consumer.portal.pills import Pill, Tone
from consumer.portal.times import Moment, moment, moment_or_none, span
from consumer.portal.words import words
from consumer.webhooks.subscription import Subscription

TONES: Final[Mapping[State, Tone]] = {
    State.COUNTING: Tone.INFO,
    State.COUNTED: Tone.INFO,
    State.RUNNING: Tone.INFO,
    State.PAUSED: Tone.WARN,
    State.DONE: Tone.OK,
    State.CANCELED: Tone.OFF,
    State.FAILED: Tone.BAD,
    State.REFUSED: Tone.BAD,
}
_MOVES: Final = frozenset({State.COUNTING, State.RUNNING})
_ALL: Final = 100


class _Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Counts(_Told, frozen=True, kw_only=True):
    """How many; None: nobody can say just now."""

    looked: int
    matched: int
    sent: int
    delivered: int | None
    failing: int | None
    failed: int | None
    skipped: dict[str, int]
    types: dict[str, int]


class Sample(_Told, frozen=True, kw_only=True):
    """One of those that are sent."""

    delivery: str | None
    event_id: str
    type: str
    at: str


class Filter(_Told, frozen=True, kw_only=True):
    """What was asked for."""

    deliveries: int | None = None
    status: list[str] = []
    code: list[str] = []
    reason: list[str] = []
    type: list[str] = []
    types: list[str] = []


class Job(_Told, frozen=True, kw_only=True):
    """A job, as the API tells it."""

    id: str
    kind: str
    webhook: str
    filter: Filter
    since: str | None
    until: str | None
    again: bool
    rate_per_s: int = msgspec.field(name="ratePerS")
    state: str
    detail: str | None
    counts: Counts
    counted: Counts | None
    reached_at: str | None
    progress: float
    remaining_seconds: int | None
    sample: list[Sample]
    made: list[str]
    created_at: str
    started_at: str | None
    finished_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """So many, of what `key`'s word says; None: nobody can say just now."""

    key: str
    number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfType:
    """So many are of this event type; None: of other ones."""

    type: str | None
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """One of those that are sent. Without an address it was never tried."""

    url: str | None
    type: str
    event_id: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """`moves`: it goes on by itself. `number` are to be sent."""

    id: str
    url: str
    kind: str
    recovers: bool
    state: Pill
    moves: bool
    detail: str | None
    webhook: Named | None
    webhook_id: str
    webhook_url: str
    since: Moment | None
    until: Moment | None
    filters: tuple[str, ...]
    again: bool
    rate: int
    percent: int
    remaining: str | None
    counts: tuple[Count, ...]
    number: int | None
    types: tuple[OfType, ...]
    left_out: tuple[Count, ...]
    lasts: str | None
    sample: tuple[Sampled, ...]
    created: Moment
    started: Moment | None
    finished: Moment | None


def job_of(known: AskedJob, answered: Answered | None, now_ms: int) -> Job:
    """What the API tells of it."""
    return msgspec.convert(shown(known, answered, now_ms), Job)


def job_view(
    told: Job, state: State, webhook: Subscription | None, address: Callable[[str], str], now_ms: int
) -> JobView:
    """A job. `address` is where a page of the session is; `webhook` of None was deleted since."""
    counting = told.counted is not None and told.started_at is None
    counts = told.counted if counting and told.counted is not None else told.counts
    number = None if told.counted is None else told.counted.matched - sum(told.counted.skipped.values())
    return JobView(
        id=told.id,
        url=address(f"jobs/{told.id}"),
        kind=f"job.kind.{told.kind}",
        recovers=told.kind == "recover",
        state=Pill(tone=TONES[state], key=f"job.state.{state}"),
        moves=state in _MOVES,
        detail=told.detail,
        webhook=None if webhook is None else named(webhook),
        webhook_id=told.webhook,
        webhook_url=address(f"webhooks/{told.webhook}"),
        since=moment_or_none(ms_of(told.since), now_ms),
        until=moment_or_none(ms_of(told.until), now_ms),
        filters=_filters(told.filter),
        again=told.again,
        rate=told.rate_per_s,
        percent=int(told.progress * _ALL),
        remaining=None if not told.remaining_seconds else span(told.remaining_seconds * 1_000),
        counts=_counts(counts, counting=counting),
        number=number,
        types=_types(counts),
        left_out=tuple(
            Count(key=key if (key := f"skip.{reason}") in words() else "skip.other", number=each)
            for reason, each in counts.skipped.items()
        ),
        lasts=span(max(1, number // told.rate_per_s) * 1_000) if number else None,
        sample=tuple(_sampled(each, told.webhook, address, now_ms) for each in told.sample),
        created=moment(ms_of(told.created_at) or 0, now_ms),
        started=moment_or_none(ms_of(told.started_at), now_ms),
        finished=moment_or_none(ms_of(told.finished_at), now_ms),
    )


def _counts(counts: Counts, *, counting: bool) -> tuple[Count, ...]:
    first = (Count(key="job.looked", number=counts.looked), Count(key="job.matched", number=counts.matched))
    if counting:
        return first
    return (
        *first,
        Count(key="job.sent", number=counts.sent),
        Count(key="job.delivered", number=counts.delivered),
        Count(key="job.failing", number=counts.failing),
        Count(key="job.failed", number=counts.failed),
    )


def _types(counts: Counts) -> tuple[OfType, ...]:
    """The most frequent first, and how many others there are."""
    rest = counts.matched - sum(counts.skipped.values()) - sum(counts.types.values())
    found = [OfType(type=shortened(name), number=number) for name, number in counts.types.items()]
    return (*found, *([OfType(type=None, number=rest)] if rest > 0 and found else []))


def _filters(told: Filter) -> tuple[str, ...]:
    """What narrows it, in words."""
    say = words().say
    return (
        *(str(say(f"ended.{each}")) for each in told.status),
        *(str(say(f"reason.{each}" if f"reason.{each}" in words() else "reason.unknown")) for each in told.reason),
        *told.code,
        *told.type,
        *told.types,
    )


def _sampled(told: Sample, webhook: str, address: Callable[[str], str], now_ms: int) -> Sampled:
    return Sampled(
        url=None if told.delivery is None else address(f"webhooks/{webhook}/deliveries/{told.delivery}"),
        type=shortened(told.type),
        event_id=told.event_id,
        at=moment(ms_of(told.at) or 0, now_ms),
    )
