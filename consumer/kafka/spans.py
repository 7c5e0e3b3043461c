"""Spans of partitions, of any topics, read once beside every group: nothing is joined and nothing is committed.

The law: of each span every record is given once, in its partition's order, and then the span is told as finished: when
its last record came, or when the client says that the log ends. The last offsets of a log may hold no record: a
transaction's end, or what compaction took away.
"""

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Final, Literal, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.delivery.offsets import Partition
from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken, broken, denied, error_of, is_fatal
from consumer.kafka.leaving import close
from consumer.kafka.message import record
from consumer.kafka.reading import extents, first_since, reader
from consumer.settings import Settings

SILENCE_S: Final = 15.0
_POLL_S: Final = 0.2
_BATCH: Final = 500


class Span(NamedTuple):
    """The offsets from `begin` on, without `end`."""

    begin: int
    end: int

    def __contains__(self, offset: object) -> bool:
        return isinstance(offset, int) and self.begin <= offset < self.end


class Batch(NamedTuple):
    """What one poll brought: records, none after a poll in vain, and the spans that are finished with them."""

    records: list[Record]
    finished: list[Partition]


class SpanReader:
    """Owned by one thread. One client, for one `read` at a time."""

    def __init__(self, settings: Settings, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Nothing is connected yet.

        Raises:
            ConfigurationError: the user's properties contradict those that are ours.
        """
        self._monotonic_s = monotonic_s
        self._consumer: Consumer = reader(settings)

    def extents(self, topics: Iterable[str]) -> dict[Partition, Span]:
        """Where each partition of these topics begins and ends now.

        Raises:
            TopicMissing: one of them does not exist.
            KafkaBroken: one may not be read, or the broker does not answer.
        """
        found: dict[Partition, Span] = {}
        for topic in topics:
            try:
                logs = extents(self._consumer, topic, timeout_s=SILENCE_S)
            except KafkaException as exception:
                raise broken(error_of(exception), f"asking where {topic} ends") from None
            found |= {(topic, number): Span(*log) for number, log in logs.items()}
        return found

    def existing(self) -> list[str]:
        """The names of all topics.

        Raises:
            KafkaBroken: the broker does not answer.
        """
        try:
            listed = self._consumer.list_topics(timeout=SILENCE_S).topics
        except KafkaException as exception:
            raise broken(error_of(exception), "asking for the topics there are") from None
        return [name for name, each in listed.items() if each.error is None]

    def first_since(
        self, logs: Mapping[Partition, Span], since_ms: int, *, untold: Literal["begin", "end"] = "begin"
    ) -> dict[Partition, int]:
        """The offset of each partition's first record of this time or later; its end where there is none.

        `untold` is taken of a broker that knows of no times, as librdkafka's mock cluster.

        Raises:
            KafkaBroken: the broker does not answer.
        """
        try:
            return first_since(self._consumer, logs, since_ms, untold=untold)
        except KafkaException as exception:
            raise broken(error_of(exception), "asking what was written since when") from None

    def read(self, spans: Mapping[Partition, Span]) -> Generator[Batch]:
        """Every record of the spans, a poll at a time. What a span no longer has in its log is passed over.

        Raises:
            KafkaBroken: they may not be read, or the broker fell silent for 15 s.
        """
        empty = [place for place, span in spans.items() if span.begin >= span.end]
        if empty:
            yield Batch([], empty)
        left = {place: span for place, span in spans.items() if span.begin < span.end}
        try:
            self._consumer.assign([TopicPartition(*place, span.begin) for place, span in left.items()])
            heard_s = self._monotonic_s()
            while left:
                # Nothing says when the first record comes, and `consume` waits its time out unless it is full.
                first = self._consumer.poll(_POLL_S)
                messages = [] if first is None else [first, *self._consumer.consume(_BATCH, 0)]
                if messages:
                    heard_s = self._monotonic_s()
                elif self._monotonic_s() - heard_s > SILENCE_S:
                    raise KafkaBroken(f"{next(iter(left))[0]}: nothing came for {SILENCE_S:g} s")
                batch = _met(messages, left)
                if batch.finished and left:
                    self._consumer.incremental_unassign([TopicPartition(*place) for place in batch.finished])
                yield batch
        except KafkaException as exception:
            raise broken(error_of(exception), "reading " + ", ".join(sorted({topic for topic, _ in spans}))) from None
        finally:
            self._consumer.unassign()  # else it would go on fetching

    def close(self) -> None:
        """Close the connections."""
        close(self._consumer)


def _met(messages: Iterable[Message], left: dict[Partition, Span]) -> Batch:
    """The records of the spans that are left among the messages; finished ones are taken out of `left`."""
    batch = Batch([], [])
    for message in messages:
        place = (message.topic() or "", message.partition() or 0)
        if (error := message.error()) is not None:
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 # librdkafka's local code
                _finish(place, left, batch)
            elif is_fatal(error) or denied(error):
                raise broken(error, needs=f"READ on topic {place[0]}")
            continue
        span = left.get(place)
        if span is None:
            continue  # it was fetched before its span was finished
        read = record(message)
        if read.offset in span:  # below it lies another log, which was made anew meanwhile
            batch.records.append(read)
        if read.offset >= span.end - 1:
            _finish(place, left, batch)
    return batch


def _finish(place: Partition, left: dict[Partition, Span], batch: Batch) -> None:
    if left.pop(place, None) is not None:
        batch.finished.append(place)
