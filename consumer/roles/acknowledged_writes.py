"""The records that the role `log` writes, suspensions and notices, each with what follows once Kafka has it.

The law: what follows a record happens once, after its acknowledgement, and never after a refusal.
"""

from collections.abc import Callable
from itertools import count

from consumer.kafka.client import KafkaBroken
from consumer.kafka.producer import RecordProducer, Refused
from consumer.kafka.writing import NewRecord


class AcknowledgedWrites:
    """Owned by one thread, with the producer that it is given."""

    def __init__(self, producer: RecordProducer) -> None:
        self._producer = producer
        self._tokens = count()
        self._following: dict[int, Callable[[], None]] = {}

    @property
    def pending(self) -> int:
        """How many records are not acknowledged yet."""
        return len(self._following)

    def write(self, new: NewRecord, written: Callable[[], None]) -> None:
        """Write a record; `written` is called by a later `poll`."""
        token = next(self._tokens)
        self._following[token] = written
        self._producer.write(token, topic=new.topic, key=new.key, value=new.value, headers=new.headers)

    def poll(self) -> None:
        """Do what follows the records that were acknowledged since.

        Raises:
            KafkaBroken: one of them is refused, or the producer can not go on.
        """
        for produced in self._producer.poll():
            written = self._following.pop(produced.token)
            if isinstance(produced, Refused):
                raise KafkaBroken(f"a suspension or its notice is refused: {produced.reason}")
            written()

    def close(self, timeout_s: float) -> None:
        """Wait for the last of them, and do what follows. Raises as `poll`."""
        self._producer.close(timeout_s)
        self.poll()
