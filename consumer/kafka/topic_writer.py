"""Writing single records from many threads, each of which waits for its own.

The law: a future that has a result is a record on all in-sync replicas, at that place. One that failed was not
acknowledged in time, and may have been written all the same.
"""

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from consumer.kafka.client import KafkaBroken, Properties, broken, build, client_properties, error_of, is_fatal
from consumer.kafka.partitioner import PARTITIONER
from consumer.kafka.producing import ANY_SIZE, in_place_of
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings

_log = structlog.get_logger("kafka")

# Who waits for an answer has been told that there is none before long: what comes later helps nobody.
_PATIENCE_MS: Final = 4_000
_POLL_S: Final = 0.2
_ANYWHERE: Final = -1  # as librdkafka has it: where the key belongs
_DRAIN_S: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a record is in its topic."""

    partition: int
    offset: int


def writer_properties(settings: Settings) -> Properties:
    """How its producer is configured.

    Raises:
        ConfigurationError: the user's properties contradict those that are ours.
    """
    ours: Properties = {
        "acks": "all",
        "enable.idempotence": True,
        "message.max.bytes": ANY_SIZE,
        "message.timeout.ms": _PATIENCE_MS,
        "partitioner": PARTITIONER,
    }
    beneath: Properties = {"compression.type": "lz4", "linger.ms": 2}
    return client_properties(settings, ours=ours, unless_set=beneath)


class TopicWriter:
    """One producer and one polling thread, for all threads of a process.

    Idempotent, so that a record whose answer was lost is at one place only, and that place is told.
    """

    def __init__(self, settings: Settings) -> None:
        """Connect.

        Raises:
            ConfigurationError: the user's properties contradict those that are ours.
        """
        self._properties = writer_properties(settings)
        self._producer = build(Producer, self._properties)
        self._fatal: KafkaError | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="topic writer", daemon=True)
        self._thread.start()

    def write(self, record: NewRecord) -> "Future[Place]":
        """Produce a record. The future's error is KafkaBroken: not acknowledged within 4 s, or refused."""
        written: Future[Place] = Future()
        try:
            self._producer.produce(
                record.topic,
                record.value,
                record.key,
                headers=list(record.headers),
                partition=_ANYWHERE if record.partition is None else record.partition,
                on_delivery=partial(self._delivered, written, record.topic),
            )
        except BufferError:
            written.set_exception(KafkaBroken(f"writing to {record.topic}: too much is waiting for the broker"))
        except KafkaException as exception:
            self._failed(written, record.topic, error_of(exception))
        return written

    def close(self) -> None:
        """Wait for what was written, at most 3 s."""
        self._closing.set()
        self._thread.join()
        self._producer.flush(_DRAIN_S)

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_POLL_S)
            if self._fatal is not None:
                self._rebuild(self._fatal)

    def _delivered(self, written: "Future[Place]", topic: str, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed(written, topic, error)
            return
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        written.set_result(Place(partition=partition, offset=offset))

    def _failed(self, written: "Future[Place]", topic: str, error: KafkaError) -> None:
        if is_fatal(error):
            self._fatal = error
        written.set_exception(broken(error, f"writing to {topic}", needs=f"WRITE on topic {topic}"))

    def _rebuild(self, error: KafkaError) -> None:
        """The next producer takes over, and what the old one held has failed."""
        old = self._producer
        self._producer = in_place_of([old], self._properties, error.str(), records=len(old))
        old.flush(_POLL_S)
        self._fatal = None
