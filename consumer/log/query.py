"""What may be asked of the delivery log's index, and how its answers look. Pure.

The laws:
- attempts have one order, also across webhooks: by `Position`, the newest first;
- a list is of one moment, its `top_ms`: it shows what was logged until then, and a delivery as its latest attempt of
  then. So whatever is written meanwhile, pages that go on from one another show each row once.

Asked for by `reading.py: LogReader`, made of settings, for any thread:

    LogReader.page(view, tenant=…, brand=…, query=Query(…), limit=…, cursor=…) -> Page      raises CacheUnavailable
    LogReader.newer(view, tenant=…, brand=…, query=Query(…), limit=…, after=page.latest) -> Page, oldest first

Cursors and positions are values here; whoever hands them out seals them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, NamedTuple
from urllib.parse import unquote

from consumer.log.entry import Ended, Entry, Trigger, delivery_of, ended_of, trigger_of
from consumer.log.index import Kind

_LATE_MS: Final = 3_600_000
"""An attempt that began before `until` is looked for among those logged so long after it: Kafka may have been away."""
_ESCAPED: Final = re.compile(r"~([0-9A-F]{2})")


class View(Enum):
    """What a row of the list is."""

    DELIVERIES = "deliveries"  # a delivery, at its latest attempt
    ATTEMPTS = "attempts"


class Position(NamedTuple):
    """Of an attempt in the log, or between two of them. Positions compare as lists are ordered: the newest first.

    `webhook` is empty between two milliseconds.
    """

    minus_logged_ms: int
    webhook: str
    partition: int
    minus_offset: int

    @classmethod
    def of(cls, logged_ms: int, webhook: str, partition: int, offset: int) -> "Position":
        """That of the attempt at this offset."""
        return cls(-logged_ms, webhook, partition, -offset)

    @classmethod
    def from_(cls, logged_ms: int) -> "Position":
        """In front of what was logged at this time or before, behind all that was logged later."""
        return cls(-logged_ms, "", 0, 0)

    @property
    def logged_ms(self) -> int:
        """When the attempt was logged."""
        return -self.minus_logged_ms


class Cursor(NamedTuple):
    """Where the next page of a list goes on: behind `behind`, and as of `top_ms`. The filters are to be the same."""

    top_ms: int
    behind: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What an endpoint answered: any of these codes, of these classes (5 is 500 to 599), or none at all."""

    codes: frozenset[int] = frozenset()
    classes: frozenset[int] = frozenset()
    none: bool = False

    def __contains__(self, status: object) -> bool:
        if not isinstance(status, int):
            return status is None and self.none
        return status in self.codes or status // 100 in self.classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which rows. What is empty or None asks for nothing; several of one field are alternatives; all fields must hold.

    `reasons` are words of `FailureKind` and `DeathReason`; `types` are event types or `prefix.*`; `events` are event
    ids, as producers or as receivers have them. `since_ms` and `until_ms` (which itself is not asked for) compare with
    when an attempt began; `slower_than_ms` with how long it took. `deliveries` are whole ids.
    """

    webhooks: frozenset[str] = frozenset()
    ended: frozenset[Ended] = frozenset()
    answers: Answers | None = None
    reasons: frozenset[str] = frozenset()
    types: tuple[str, ...] = ()
    events: frozenset[str] = frozenset()
    triggers: frozenset[Trigger] = frozenset()
    jobs: frozenset[str] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None
    slower_than_ms: int | None = None
    deliveries: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One attempt, or a delivery at this attempt of it: its `entry.number` is then how many it had."""

    webhook: str
    partition: int
    entry: Entry

    @property
    def position(self) -> Position:
        """Its place in the log's order."""
        return Position.of(self.entry.logged_ms, self.webhook, self.partition, self.entry.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list.

    `next` is where the list goes on, None at its end. `latest` is what a live tail asks to go on `after`.
    `as_of_ms`: every attempt that was logged before is in, None where nobody says so. `indexed_from_ms`: the index of
    what was asked for reaches back so far, None where there is none. `searched_to_ms` is set where the page ended
    because enough was looked at: there may be more on the next one. `filling`: the index is being rebuilt, and
    reaches back further by and by.
    """

    rows: tuple[Row, ...]
    next: Cursor | None
    latest: Position
    as_of_ms: int | None
    indexed_from_ms: int | None
    searched_to_ms: int | None = None
    filling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A query made ready. `kinds` are the lists in which there may be rows; `top_ms` and `bottom_ms`, when logged."""

    query: Query
    kinds: tuple[Kind, ...]
    top_ms: int | None
    bottom_ms: int
    _sought: Callable[[bytes], bool] = field(repr=False)

    def could_match(self, packed: bytes) -> bool:
        """Whether it is worth reading: quick, and true of all that match."""
        query = self.query
        return (
            (not query.ended or ended_of(packed) in query.ended)
            and (not query.triggers or trigger_of(packed) in query.triggers)
            and self._sought(packed)
        )

    def matches(self, entry: Entry) -> bool:
        """Whether it is asked for."""
        query = self.query
        return (
            (query.since_ms is None or entry.begun_ms >= query.since_ms)
            and (query.until_ms is None or entry.begun_ms < query.until_ms)
            and (query.slower_than_ms is None or entry.elapsed_ms > query.slower_than_ms)
            and (not query.ended or entry.ended in query.ended)
            and (not query.triggers or entry.trigger in query.triggers)
            and _is_of(query, entry)
        )


def ready(query: Query, *, bottom_ms: int = 0) -> Filter:
    """The filter of a query, of what was logged from `bottom_ms` on."""
    sought = frozenset(bytes.fromhex(each) for each in query.deliveries)
    events = frozenset(text for event in query.events for text in _ids(event))
    names = {event.encode("utf-8", "replace") for event in events}
    return Filter(
        query=replace(query, events=events),
        kinds=(Kind.EVENTFUL,) if _only_eventful(query) else (Kind.PLAIN, Kind.EVENTFUL),
        top_ms=None if query.until_ms is None else query.until_ms + _LATE_MS,
        bottom_ms=max(bottom_ms, query.since_ms or 0),
        _sought=lambda packed: (
            (not sought or delivery_of(packed) in sought) and (not names or any(name in packed for name in names))
        ),
    )


def _only_eventful(query: Query) -> bool:
    """Whether nothing plain could match: a plain entry was delivered, with an answer, for an event of its own."""
    return (
        (bool(query.ended) and Ended.DELIVERED not in query.ended)
        or (bool(query.triggers) and Trigger.EVENT not in query.triggers)
        or bool(query.reasons or query.jobs)
    )


def _is_of(query: Query, entry: Entry) -> bool:
    return (
        (query.answers is None or entry.status in query.answers)
        and (not query.reasons or entry.failure in query.reasons or entry.reason in query.reasons)
        and (not query.types or any(_is_type(entry.event_type, each) for each in query.types))
        and (not query.events or entry.event_id in query.events)
        and (not query.jobs or entry.job_id in query.jobs)
        and (not query.deliveries or entry.delivery in query.deliveries)
    )


def _is_type(event_type: str, wanted: str) -> bool:
    """Whether it is this type, or one of `prefix.*`."""
    return event_type.startswith(wanted[:-1]) if wanted.endswith(".*") else event_type == wanted


def _ids(event: str) -> tuple[str, ...]:
    """The event ids that a text may mean: itself, or what `events/identity.py: webhook_id` made of one."""
    name = event.partition("~~")[0]
    escaped = _ESCAPED.sub(lambda match: f"%{match[1]}", name.replace("%", "%25"))
    return tuple({event, unquote(escaped)})
