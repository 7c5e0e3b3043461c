"""How it is found out what is known of a webhook's events (`missed.Seen`), at three moments in this order.

The laws: the moment of a step is before that of the next one (`missed.py` says why):

    1. where `deliver` is             before `look` is called: the spans that the job looks at end there
    2. what waits                     where the attempts end, then what `retry` has committed, of all its topics in one
                                      question, then where those topics end: a delivery that waits when it is asked lies
                                      in between, wherever it moves meanwhile
    3. what was tried                 up to where the attempts end after that

and only names of events in the spans are kept in mind.
"""

from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import structlog

from consumer.delivery.offsets import Partition
from consumer.jobs.missed import MOST, Seen
from consumer.jobs.tried import Tried
from consumer.jobs.waiting import Lines, Waiting
from consumer.kafka.attempt_decoding import EventPlace, decode_placed
from consumer.kafka.committed import committed
from consumer.kafka.spans import Span, SpanReader
from consumer.kafka.topic_specs import Topics
from consumer.settings import Settings
from consumer.telemetry.bugs import decoded
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("jobs")

EARLIER_MS: Final = 300_000
"""An event's record is dated by its producer, whose clock may be so much ahead of that which dates attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is looked for: events of this webhook of this tenant, in these spans, dated `since_ms` or later."""

    webhook: str
    tenant: str
    spans: Mapping[Partition, Span]
    since_ms: int
    most: int = MOST

    def asks_for(self, place: EventPlace) -> bool:
        """Whether the event of this place lies in a span."""
        span = self.spans.get((place.topic, place.partition))
        return span is not None and place.offset in span


def look(
    settings: Settings, reader: SpanReader, looked_for: Look, *, now_ms: Callable[[], int]
) -> Generator[None, None, Seen]:
    """Look, a poll at a time; what is known is returned at the end.

    Raises:
        TooMany: more would have to be kept in mind than can be.
        KafkaBroken: a topic could not be read.
    """
    topics = Topics.of(settings)
    before = reader.extents([topics.attempts])
    waiting = yield from _waiting(settings, reader, looked_for, topics)
    tried = Tried(
        waiting=waiting,
        asked_for=looked_for.asks_for,
        looked_at={number: log.end for (_, number), log in before.items()},
        most=looked_for.most,
    )
    logs = reader.extents([topics.attempts])
    starts = reader.first_since(logs, looked_for.since_ms - EARLIER_MS)
    key = looked_for.webhook.encode()
    with closing(reader.read({place: Span(starts[place], log.end) for place, log in logs.items()})) as batches:
        for batch in batches:
            for record in batch.records:
                if record.key != key or record.value is None:
                    continue
                try:
                    head, place = decoded(record, decode_placed, record.value)
                except RecordCorrupt as error:
                    _log.error("not an attempt", partition=record.partition, offset=record.offset, error=str(error))
                    continue
                if head.subscription_id == looked_for.webhook:
                    tried.take(head, place, partition=record.partition, offset=record.offset)
            yield
    return tried.seen(now_ms())


def _waiting(
    settings: Settings, reader: SpanReader, looked_for: Look, topics: Topics
) -> Generator[None, None, Waiting]:
    names: Collection[str] = (*topics.retry_topics, topics.ordered)
    positions = committed(settings, topics.group("retry"), names)
    logs = reader.extents(names)
    waiting = Waiting(
        topics,
        Lines.of(looked_for.webhook, looked_for.tenant),
        positions,
        asked_for=looked_for.asks_for,
        most=looked_for.most,
    )
    spans = {
        place: Span(max(log.begin, positions[place].offset) if place in positions else log.begin, log.end)
        for place, log in logs.items()
    }
    with closing(reader.read(spans)) as batches:
        for batch in batches:
            for record in batch.records:
                waiting.take(record)
            yield
    return waiting
