"""How it is found out what is known of a webhook's events (`missed.Seen`), at three moments in this order.

The laws: the moment of a step is before that of the next one (`missed.py` says why):

    1. where `deliver` is             before `look` is called: the spans that the job looks at end there
    2. what waits                     where the attempts end, then what `retry` has committed, of all its topics in one
                                      question, then where those topics end: a delivery that waits when it is asked lies
                                      in between, wherever it moves meanwhile
    3. what was tried                 up to where the attempts end after that

and only names of events in the spans are kept in mind.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import structlog

from consumer.delivery.offsets import Partition, Position
from consumer.jobs.missed import MOST, Seen
from consumer.jobs.tried import Tried
from consumer.jobs.waiting import Lines, Opened, Waiting, as_it_is
from consumer.kafka.attempt_decoding import EventPlace, decode_placed
from consumer.kafka.key_spans import of_key
from consumer.kafka.newer import stop_before
from consumer.kafka.spans import Batch, Span
from consumer.kafka.topic_specs import Topics
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


class Logs(Protocol):
    """See `SpanReader`."""

    def extents(self, topics: Iterable[str]) -> Mapping[Partition, Span]: ...
    def first_since(self, logs: Mapping[Partition, Span], since_ms: int) -> Mapping[Partition, int]: ...
    def read(self, spans: Mapping[Partition, Span]) -> Generator[Batch]: ...


Committed: TypeAlias = Callable[[str, Collection[str]], Mapping[Partition, Position]]
"""What a group has committed of these topics: see `kafka/committed.py`."""


def look(
    topics: Topics,
    logs: Logs,
    committed: Committed,
    looked_for: Look,
    *,
    now_ms: Callable[[], int],
    opened: Opened = as_it_is,
) -> Generator[None, None, Seen]:
    """Look, a poll at a time; what is known is returned at the end. `opened`: see `Waiting`.

    Raises:
        TooMany: more would have to be kept in mind than can be.
        KafkaBroken: a topic could not be read.
    """
    looked_at = {number: log.end for (_, number), log in logs.extents([topics.attempts]).items()}
    waiting = yield from what_waits(topics, logs, committed, looked_for, opened)
    tried = Tried(waiting=waiting.names, asked_for=looked_for.asks_for, looked_at=looked_at, most=looked_for.most)
    yield from what_was_tried(topics, logs, looked_for, tried, now_ms=now_ms())
    return tried.seen(now_ms())


def what_waits(
    topics: Topics, logs: Logs, committed: Committed, looked_for: Look, opened: Opened = as_it_is
) -> Generator[None, None, Waiting]:
    """The second step. Raises as `look` does."""
    names = (*topics.retry_topics, topics.ordered)
    positions = committed(topics.group("retry"), names)
    waiting = Waiting(
        topics,
        Lines.of(looked_for.webhook, looked_for.tenant),
        positions,
        asked_for=looked_for.asks_for,
        most=looked_for.most,
        opened=opened,
    )
    spans = {
        place: Span(max(log.begin, positions[place].offset) if place in positions else log.begin, log.end)
        for place, log in logs.extents(names).items()
    }
    with closing(logs.read(spans)) as batches:
        for batch in batches:
            for record in batch.records:
                waiting.take(record)
            yield
    return waiting


def what_was_tried(
    topics: Topics, logs: Logs, looked_for: Look, tried: Tried, *, now_ms: int
) -> Generator[None, None, None]:
    """The third step, which `tried` takes in. Raises as `look` does."""
    key, ends = looked_for.webhook.encode(), logs.extents([topics.attempts])
    since_ms = looked_for.since_ms - EARLIER_MS
    starts = logs.first_since(ends, since_ms)
    spans = {place: Span(starts[place], log.end) for place, log in ends.items()}
    with closing(logs.read(of_key(logs, key, ends, spans, since_ms=since_ms, now_ms=now_ms))) as batches:
        for batch in batches:
            for record in batch.records:
                if record.key != key or record.value is None:
                    continue
                stop_before(record)
                try:
                    head, place = decoded(record, decode_placed, record.value)
                except RecordCorrupt as error:
                    _log.error("not an attempt", partition=record.partition, offset=record.offset, error=str(error))
                    continue
                if head.subscription_id == looked_for.webhook:
                    tried.take(head, place, partition=record.partition, offset=record.offset)
            yield
