"""A whole topic, all partitions, followed from chosen offsets on: no group is joined and nothing is committed.

The law: for each partition every record from the chosen offset on is given once, in order, and with it how far the
log was read, also where its last offsets hold no record.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from consumer.events.event import Record
from consumer.kafka.client import KafkaFatal, broken, denied, error_of, is_fatal
from consumer.kafka.leaving import close
from consumer.kafka.message import record
from consumer.kafka.reading import extents, reader
from consumer.kafka.topic_ids import TopicIds
from consumer.kafka.waiting import first_message
from consumer.settings import Settings

_ASK_S: Final = 10.0
# While it follows nothing is asked on its connection, but for a rebuild of the cache: so a fetch may wait there.
_PATIENT: Final[Mapping[str, str | int | bool]] = {"fetch.wait.max.ms": 500}


class Feed:
    """Owned by one thread. librdkafka reconnects by itself; only what it cannot mend is raised.

    Nothing is waited for any longer once it is `over`.
    """

    def __init__(self, settings: Settings, topic: str, *, over: Callable[[], bool]) -> None:
        self._topic = topic
        self._over = over
        self._consumer = reader(settings, unless_set=_PATIENT)
        self._ids = TopicIds(settings, topic)

    @property
    def topic_id(self) -> str | None:
        """Which topic of the name it is, as of the last look; None where that is not known. Another id, another log."""
        return self._ids.id

    def ends(self) -> tuple[int, ...]:
        """The end offset of each partition, as of now.

        Raises:
            KafkaBroken: the broker does not answer, or there is no such topic.
        """
        try:
            return tuple(end for _, end in extents(self._consumer, self._topic, timeout_s=_ASK_S).values())
        except KafkaException as exception:
            raise broken(error_of(exception), f"asking where {self._topic} ends") from None

    def read_from(self, offsets: Sequence[int]) -> None:
        """Go on from these offsets, by partition; what was read ahead is dropped.

        Raises:
            KafkaBroken: this consumer takes no assignment.
        """
        places = [TopicPartition(self._topic, number, offset) for number, offset in enumerate(offsets)]
        try:
            self._consumer.assign(places)
        except KafkaException as exception:
            raise broken(error_of(exception), f"reading {self._topic}") from None

    def take(self, most: int, wait_s: float) -> tuple[list[Record], dict[int, int]]:
        """At most `most` records, and the next offset of each partition read; waits for the first one only.

        Raises:
            KafkaBroken: this consumer cannot go on; nothing of what it read in this call was given.
        """
        try:
            first = first_message(self._consumer, wait_s, self._over)
            messages = [] if first is None else [first, *self._consumer.consume(most - 1, 0)]
        except KafkaException as exception:
            raise broken(error_of(exception), f"reading {self._topic}") from None
        records: list[Record] = []
        positions: dict[int, int] = {}
        for message in messages:
            if (error := message.error()) is None:
                read = record(message)
                records.append(read)
                positions[read.partition] = read.offset + 1
            else:
                _heard(message, error, positions)
        return records, positions

    def close(self) -> None:
        """Leave the broker."""
        self._ids.close()
        close(self._consumer)


def _heard(message: Message, error: KafkaError, positions: dict[int, int]) -> None:
    """An error in place of a record; all but a fatal one pass by themselves."""
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 # librdkafka's local code
        partition, offset = message.partition(), message.offset()
        if partition is not None and offset is not None:
            positions[partition] = offset
    elif denied(error):
        raise broken(error, needs=f"READ on topic {message.topic()}")
    elif is_fatal(error):
        raise KafkaFatal(error.str(), code=error.name())
