"""What librdkafka tells a consumer beside records: ends of logs, offsets that a log does not hold any more, errors.

The law: nothing that is told is passed over. An error that librdkafka mends itself is logged until records come again;
a fatal one, or a right that is missing, ends the consumer. A missing right on one of the user's topics costs that topic
alone.
"""

import time
from collections.abc import Callable, Iterable, Mapping

import structlog
from confluent_kafka import KafkaError, Message

from consumer.delivery.offsets import Partition
from consumer.kafka.client import broken, denied, fatal, is_fatal
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")


class Heard:
    """Of one consumer, on its thread. `foreign`: the topics are the user's."""

    def __init__(
        self,
        *,
        group: str,
        foreign: bool,
        owns: Callable[[Partition], bool],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic_s = monotonic_s
        self._calm_since_s = monotonic_s()
        self._group = group
        self._foreign = foreign
        self._owns = owns
        self._ends: dict[Partition, int] = {}
        self._resets: dict[Partition, tuple[int | None, str]] = {}
        self._fatal: KafkaError | None = None
        self._unreadable: set[str] = set()
        self._trouble = Outage(_log, "kafka trouble")

    @property
    def ends(self) -> Mapping[Partition, int]:
        """Where logs ended since `begin`."""
        return self._ends

    @property
    def calm_s(self) -> float:
        """For how long nothing has been wrong with the client; 0 while something is."""
        return 0.0 if self._trouble else self._monotonic_s() - self._calm_since_s

    def begin(self) -> Mapping[Partition, tuple[int | None, str]]:
        """Hear of ends anew. Returns the partitions whose next record is gone, with the offset wanted and the error."""
        self._ends = {}
        resets, self._resets = self._resets, {}
        return resets

    def forget(self, places: Iterable[Partition]) -> None:
        """These are not ours any more."""
        for place in places:
            self._resets.pop(place, None)
            self._ends.pop(place, None)

    def moved(self, place: Partition) -> None:
        """It is read from another offset: where its log ended is not known there."""
        self._ends.pop(place, None)

    def records(self) -> None:
        """Records came, and nothing else."""
        if self._trouble:
            self._calm_since_s = self._monotonic_s()
        self._trouble.over()

    def client(self, error: KafkaError) -> None:
        """Called by librdkafka about the client as a whole; it tries again by itself unless the error is fatal."""
        if is_fatal(error):
            self._fatal = error
        else:
            self._trouble.met(error=error.str(), code=error.name())

    def in_place_of_a_record(self, message: Message, error: KafkaError) -> None:
        """Take what came as a message.

        Raises:
            AccessDenied: an ACL is missing.
        """
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is not None and partition is not None:
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 # librdkafka's local code
                if offset is not None and self._owns((topic, partition)):
                    self._ends[topic, partition] = offset
                return
            if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 # same
                self._resets[topic, partition] = (offset, error.str())
                return
        if denied(error):
            self._refused(error, topic)
        else:
            self.client(error)

    def check(self) -> None:
        """Raises KafkaFatal: this consumer can never work again."""
        if self._fatal is not None:
            raise fatal(self._fatal)

    def _refused(self, error: KafkaError, topic: str | None) -> None:
        if topic is None or not self._foreign:
            raise broken(error, needs=f"READ on group {self._group} and on {topic or 'the topics it reads'}")
        if topic not in self._unreadable:
            self._unreadable.add(topic)
            _log.warning("topic not read", topic=topic, reason=f"no ACL allows READ on topic {topic}")
