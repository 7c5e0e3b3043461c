"""Writing single records from many threads, each of which waits for its own.

The law: a future that has a result is a record on all in-sync replicas, at that place. One that failed may have been
written all the same.
"""

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from consumer.kafka.client import Properties, broken, build, client_properties, error_of
from consumer.kafka.producer import ANY_SIZE
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings

_POLL_S: Final = 0.1
_DRAIN_S: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a record is in its topic."""

    partition: int
    offset: int


class TopicWriter:
    """One producer (acks=all) and one polling thread, for all threads of a process."""

    def __init__(self, settings: Settings, *, timeout_ms: int = 5_000) -> None:
        ours: Properties = {"acks": "all", "enable.idempotence": True, "message.max.bytes": ANY_SIZE}
        beneath: Properties = {
            "compression.type": "lz4",
            "linger.ms": 2,
            "partitioner": "murmur2_random",
            "message.timeout.ms": timeout_ms,
        }
        self._producer = build(Producer, client_properties(settings, ours=ours, unless_set=beneath))
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="topic writer", daemon=True)
        self._thread.start()

    def write(self, record: NewRecord) -> "Future[Place]":
        """Produce a record. The future's error is KafkaBroken: not acknowledged in time, or refused."""
        written: Future[Place] = Future()
        try:
            self._producer.produce(
                record.topic,
                record.value,
                record.key,
                headers=list(record.headers),
                on_delivery=partial(_delivered, written),
            )
        except (BufferError, KafkaException) as exception:
            error = KafkaError(KafkaError._QUEUE_FULL) if isinstance(exception, BufferError) else error_of(exception)  # noqa: SLF001 # librdkafka's local code
            written.set_exception(broken(error, f"writing to {record.topic}"))
        return written

    def close(self) -> None:
        """Wait for what was written, at most 3 s."""
        self._closing.set()
        self._thread.join()
        self._producer.flush(_DRAIN_S)

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_POLL_S)


def _delivered(written: "Future[Place]", error: KafkaError | None, message: Message) -> None:
    partition, offset = message.partition(), message.offset()
    if error is not None:
        written.set_exception(broken(error, f"writing to {message.topic()}"))
        return
    assert partition is not None
    assert offset is not None
    written.set_result(Place(partition=partition, offset=offset))
