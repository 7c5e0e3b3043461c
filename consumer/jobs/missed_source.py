"""The source of a recovery: the events that a webhook missed, read from the topics of events.

The laws:
- what is looked at ends where `deliver` had committed before anything else was asked (`seen.py`);
- `deliver` has some seconds to come as far as the log went when the recovery was asked for: for whom an event is that
  it has at hand, it may have decided before it knew the webhook;
- what `deliver` takes back, because a topic was made anew, is not looked at.

A span of time is a span of each partition: from its first record dated `since` or later, to its first one dated `until`
or later. Where a producer dates records out of order, one that comes behind that is not looked at.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Final

from consumer.data_keys.opening import Opening
from consumer.delivery.offsets import Partition
from consumer.events.event import Event, Record
from consumer.jobs.candidate import Candidate, TooEarly
from consumer.jobs.event_decoding import TenantEvents, asking
from consumer.jobs.job import Asked, Missed, Skip
from consumer.jobs.lines import line_of
from consumer.jobs.missed import Name, Seen, Verdict
from consumer.jobs.seen import Look, look
from consumer.jobs.types import is_one_of
from consumer.jobs.waiting import Opened
from consumer.jobs.walk import Progress, Steps, Walk
from consumer.kafka.committed import committed
from consumer.kafka.selection import event_topics
from consumer.kafka.spans import Span, SpanReader
from consumer.kafka.topic_specs import Topics
from consumer.settings import Settings
from consumer.webhooks.matching import Matcher
from consumer.webhooks.subscription import Status, Subscription

PATIENCE_MS: Final = 5_000
"""From when it was asked for. A `deliver` with a backlog, or a slow endpoint, may be behind for much longer."""


def open_missed(
    settings: Settings,
    asked: Asked,
    subject: Missed,
    subscription: Subscription,
    *,
    ends: Mapping[Partition, int],
    position: Mapping[Partition, int],
    now_ms: Callable[[], int],
    opening: Opening,
) -> Walk:
    """Open the source. `ends` are empty where the job begins now.

    Raises:
        TooEarly: `deliver` is not that far yet, and has time left.
        ConfigurationError: the settings name no topics that there may be.
        KafkaBroken: the broker does not answer, or a topic may not be read.
    """
    waits = not ends and 0 <= now_ms() - asked.created_at_ms < PATIENCE_MS
    reader = SpanReader(settings)
    try:
        spans = _spans(settings, reader, subject, ends=ends, position=position, waits=waits)
        fixed = dict(ends) or {place: span.end for place, span in spans.items()}
        progress = Progress({place: span.begin for place, span in spans.items()})
        source = _MissedEvents(settings, asked, subject, subscription, spans=spans, progress=progress)
    except BaseException:
        reader.close()
        raise
    return Walk(source.steps(settings, reader, now_ms, opening.record), progress, ends=fixed, close=reader.close)


def _spans(
    settings: Settings,
    reader: SpanReader,
    subject: Missed,
    *,
    ends: Mapping[Partition, int],
    position: Mapping[Partition, int],
    waits: bool,
) -> dict[Partition, Span]:
    """What is to be looked at: of each partition a span, which may be empty. Raises as `open_missed`."""
    chosen, there = event_topics(settings), reader.existing()
    topics = sorted({topic for topic, _ in ends} & {*there}) if ends else chosen.among(there)
    positions = committed(settings, Topics.of(settings).group("deliver"), topics)
    logs = reader.extents(topics)
    known = {place: log for place, log in logs.items() if not ends or place in ends}
    begins = reader.first_since(known, subject.since_ms) | {each: position[each] for each in position if each in known}
    until = ends or reader.first_since(known, subject.until_ms, untold="end")
    spans: dict[Partition, Span] = {}
    for place, log in known.items():
        end = min(until[place], positions[place].offset if place in positions else log.begin)
        if waits and max(begins[place], end) < until[place]:
            raise TooEarly
        spans[place] = Span(min(begins[place], end), end)
    return spans


class _MissedEvents:
    """What is made of each record."""

    def __init__(
        self,
        settings: Settings,
        asked: Asked,
        subject: Missed,
        subscription: Subscription,
        *,
        spans: Mapping[Partition, Span],
        progress: Progress,
    ) -> None:
        self._asked = asked
        self._subject = subject
        self._subscription = subscription
        # Paused or suspended, it is asked for what it would want.
        self._matcher = Matcher((replace(subscription, status=Status.ACTIVE),))
        self._events = TenantEvents(settings, subscription.tenant, ask=asking(settings))
        self._spans = spans
        self._progress = progress

    def steps(self, settings: Settings, reader: SpanReader, now_ms: Callable[[], int], opened: Opened) -> Steps:
        """The candidates, once what is known of them was found out."""
        subscription = self._subscription
        looked_for = Look(
            webhook=subscription.id, tenant=subscription.tenant, spans=self._spans, since_ms=self._subject.since_ms
        )
        committed_of = partial(committed, settings)
        if any(span.begin < span.end for span in self._spans.values()):
            topics = Topics.of(settings)
            with closing(look(topics, reader, committed_of, looked_for, now_ms=now_ms, opened=opened)) as looking:
                seen = yield from looking
            yield from self._candidates(reader, seen)

    def _candidates(self, reader: SpanReader, seen: Seen) -> Steps:
        progress, events = self._progress, self._events
        with closing(reader.read(self._spans)) as batches:
            for batch in batches:
                for record in batch.records:
                    if not events.is_foreign(record):
                        candidate = yield from self._candidate(record, seen)
                        progress.position[record.topic, record.partition] = record.offset + 1
                        if candidate is not None:
                            yield candidate
                for record in batch.records[-1:]:
                    progress.reached_ms = record.timestamp_ms
                for record in batch.records:
                    progress.position[record.topic, record.partition] = record.offset + 1
                for place in batch.finished:
                    progress.position[place] = self._spans[place].end
                yield None

    def _candidate(self, record: Record, seen: Seen) -> Generator[None, None, Candidate | None]:
        if not self._subject.since_ms <= record.timestamp_ms < self._subject.until_ms:
            return None
        event = yield from self._events.read(record)
        if event is None:
            return None
        self._progress.looked += 1
        self._progress.reached_ms = record.timestamp_ms
        if not self._wants(event):
            return None
        verdict = seen.of(Name(event.topic, event.partition, event.offset, event.id))
        return Candidate(
            event=event,
            at_ms=record.timestamp_ms,
            order=line_of(self._subscription, record, event),
            raced=verdict is Verdict.RACED,
            skip=self._skip(verdict),
        )

    def _wants(self, event: Event) -> bool:
        return is_one_of(event.type, self._subject.types) and bool(self._matcher.match(event))

    def _skip(self, verdict: Verdict) -> Skip | None:
        if self._asked.again:
            return None
        match verdict:
            case Verdict.DELIVERED:
                return Skip.DELIVERED
            case Verdict.WAITING:
                return Skip.WAITING
            case Verdict.MISSED | Verdict.RACED:
                return None
