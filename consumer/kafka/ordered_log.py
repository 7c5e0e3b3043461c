"""How far the role `retry` has come with the ordered topic, asked by a client that joins no group.

The laws: what is not known is told as not known, and deliveries take the way through that topic; an end is that of all
that is acknowledged, of transactions under way too; and reading what is unfinished costs a bounded time and a bounded
number of bytes, or comes to nothing.
"""

from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.delivery.lined_up import OrderedLook, OrderedSeen, Seen, Unfinished, seen_of
from consumer.delivery.offsets import Position
from consumer.kafka import stamps
from consumer.kafka.client import KafkaBroken, Properties, broken, build, client_properties, error_of
from consumer.kafka.leaving import close
from consumer.kafka.piece import piece
from consumer.kafka.topic_specs import Topics
from consumer.settings import Settings
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")

_ASK_S: Final = 3.0
_READ_S: Final = 3.0
_BYTES_MOST: Final = 32 * 1_048_576


class OrderedLog:
    """Answers one question after the other, in one thread. It connects with the first one."""

    def __init__(self, settings: Settings) -> None:
        topics = Topics.of(settings)
        self._settings = settings
        self._topic = topics.ordered
        self._group = topics.group("retry")
        self._ours: Properties = {
            "group.id": self._group,  # it is never joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_uncommitted",
        }
        self._client: Consumer | None = None
        self._unknown = Outage(_log, "not known how far retry is: ordered deliveries take the way through its topic")

    def look(self, look: OrderedLook) -> OrderedSeen:
        """What is known now; nothing where Kafka does not answer, or an ACL is missing."""
        if self._client is None:
            self._client = build(Consumer, client_properties(self._settings, ours=self._ours))
        try:
            seen = self._seen(self._client, ends=look.ends)
            unfinished = None if look.read is None else self._unfinished(self._client, seen, *look.read)
        except KafkaBroken as error:
            self._unknown.met(error=str(error))
            return OrderedSeen(token=look.token)
        self._unknown.over()
        return OrderedSeen(token=look.token, partitions=seen, unfinished=unfinished)

    def close(self) -> None:
        """Leave the brokers."""
        if self._client is not None:
            close(self._client)

    def _seen(self, client: Consumer, *, ends: bool) -> tuple[Seen, ...]:
        try:
            numbers = sorted(client.list_topics(self._topic, timeout=_ASK_S).topics[self._topic].partitions)
            places = [TopicPartition(self._topic, number) for number in numbers]
            committed = [_told(place) for place in client.committed(places, timeout=_ASK_S)] if places else []
            found = [self._end(client, place) if ends else None for place in places]
        except KafkaException as exception:
            error = error_of(exception)
            needs = f"DESCRIBE on group {self._group} and on topic {self._topic}"
            raise broken(error, f"asking how far {self._group} is", needs=needs) from None
        return tuple(map(seen_of, committed, found))

    def _unfinished(self, client: Consumer, seen: tuple[Seen, ...], number: int, end: int) -> Unfinished | None:
        """What is unfinished in this partition before this offset; None: it is too much, or cannot be read."""
        unfinished, at = Unfinished(seen[number]), seen[number].base
        if at >= end:
            return unfinished
        try:
            with piece(client, (self._topic, number), at, for_s=_READ_S, bytes_most=_BYTES_MOST) as batches:
                for batch in batches:
                    at = max(at, *(_meet(unfinished, message, end) for message in batch))
                    if at >= end:
                        return unfinished
        except KafkaException:
            pass  # it is not known
        return None

    def _end(self, client: Consumer, place: TopicPartition) -> int:
        told = client.get_watermark_offsets(place, timeout=_ASK_S, cached=False)
        if told is None:
            raise KafkaBroken(f"{place.topic} does not tell where it ends")
        return told[1]


def _meet(unfinished: Unfinished, message: Message, end: int) -> int:
    """One message of the partition. Returns the offset of the next one."""
    error, offset, key = message.error(), message.offset(), message.key()
    if error is not None:
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 # librdkafka's local code
            raise KafkaException(error)
        return offset or 0
    if offset is None:
        return 0
    if offset < end:
        unfinished.meet(offset, key if isinstance(key, bytes) else None)
    return offset + 1


def _told(place: TopicPartition) -> Position | None:
    """What is committed; None: nothing is."""
    if place.error is not None:
        raise KafkaException(place.error)
    if place.offset < 0:
        return None
    return Position(place.offset, stamps.read(place.metadata or "")[1])
