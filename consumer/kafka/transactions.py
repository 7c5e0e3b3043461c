"""Records written together, or not at all, by one writer at a time.

The law: `write` writes its batch as one Kafka transaction. There is one writer under a name: `open` ends whoever wrote
under it before, and waits out what that one left half done. So what is read after `open` is what there is, and nobody
else adds to it until the next `open`.

While a transaction is open, readers of its topics wait at its first record: some 80 ms for a full batch. One left open
by a crash is ended by the next `open`, or by the broker within 20 s. Nothing in it may wait for anything but Kafka.
"""

from collections.abc import Sequence
from typing import Final, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from consumer.kafka.client import KafkaBroken, Properties, broken, build, client_properties, error_of
from consumer.kafka.partitioner import PARTITIONER
from consumer.kafka.producing import ANY_SIZE, TOO_LARGE
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings

_ID: Final = "transactional.id"
_BY_KEY: Final = -1
TIMEOUT_S: Final = 30.0
_TRANSACTION_MS: Final = 10_000
_TRIES: Final = 5
_CRITICAL: Final = 2  # syslog's
_FENCED: Final = frozenset(
    {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}  # noqa: SLF001 # librdkafka's local code
)


class TakenOver(KafkaBroken):
    """Another replay began: this one must stop. What it wrote until then holds."""


class BatchRefused(KafkaBroken):
    """A record of a batch is too large for its topic. The writer goes on."""


class Transactions:
    """The one writer of replays under a name. Belongs to one thread."""

    def __init__(self, properties: Properties) -> None:
        self._properties = properties
        self._refused: KafkaError | None = None
        self._refused_by = ""
        self._producer = build(Producer, properties)

    @classmethod
    def open(cls, settings: Settings, name: str, *, within_s: float = TIMEOUT_S) -> Self:
        """Become the writer.

        Raises:
            ConfigurationError: the user's Kafka properties contradict those needed.
            KafkaBroken: Kafka did not answer, or forbids the transactional id.
        """
        opened = cls(transactional_properties(settings, name))
        try:
            opened._producer.init_transactions(within_s)
        except KafkaException as exception:
            needs = f"WRITE and DESCRIBE on transactional id {opened._properties[_ID]}"
            raise broken(error_of(exception), "becoming the writer of replays", needs=needs) from None
        return opened

    def write(self, batch: Sequence[NewRecord]) -> None:
        """Write a batch, whole or not at all.

        Raises:
            TakenOver: another writer was opened; nothing of this batch was written.
            BatchRefused: nothing of it was written, for one of its records is too large for its topic.
            KafkaBroken: nothing was written, or, where the last answer was lost, all of it.
        """
        self._refused = None
        try:
            self._producer.begin_transaction()
            for record in batch:
                self._produce(record)
            self._commit()
        except KafkaException as exception:
            raise self._given_up(self._cause(error_of(exception))) from None

    def _cause(self, error: KafkaError) -> KafkaError:
        """Once librdkafka has heard in the background that the writer is fatally out, producing says only "fatal"."""
        if error.code() != KafkaError._FATAL:  # noqa: SLF001 # librdkafka's local code
            return error
        try:
            self._producer.abort_transaction(TIMEOUT_S)
        except KafkaException as exception:
            return error_of(exception)
        return error

    def _produce(self, record: NewRecord) -> None:
        self._producer.produce(
            record.topic,
            record.value,
            record.key,
            partition=_BY_KEY if record.partition is None else record.partition,
            headers=list(record.headers),
            on_delivery=self._delivered,
        )
        self._producer.poll(0)

    def _commit(self) -> None:
        """Commit; an answer that got lost is asked for again, which the broker takes as the same commit."""
        for left in reversed(range(_TRIES)):
            try:
                self._producer.commit_transaction(TIMEOUT_S)
            except KafkaException as exception:
                if not (error_of(exception).retriable() and left):
                    raise
            else:
                return

    def _given_up(self, error: KafkaError) -> KafkaBroken:
        if error.code() in _FENCED:
            return TakenOver("another replay began meanwhile and took over", code=error.name())
        if error.txn_requires_abort():
            try:
                self._producer.abort_transaction(TIMEOUT_S)
            except KafkaException as exception:
                return broken(error_of(exception), "taking back a batch of replays")
        if error.fatal():
            return broken(error, "writing replays")
        if self._refused is None:
            return KafkaBroken(f"a batch of replays was not written: {error.str()}", code=error.name())
        why = f"a batch of replays was not written: {self._refused_by}: {self._refused.str()}"
        kind = BatchRefused if self._refused.code() in TOO_LARGE else KafkaBroken
        return kind(why, code=error.name())

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and self._refused is None:
            self._refused, self._refused_by = error, str(message.topic())


def transactional_properties(settings: Settings, name: str) -> Properties:
    """One transactional id a name and installation: that is what makes the writer one.

    Raises:
        ConfigurationError: the user's properties contradict these.
    """
    return client_properties(
        settings,
        ours={
            _ID: settings.topic_prefix + name,
            "acks": "all",
            "enable.idempotence": True,
            "transaction.timeout.ms": _TRANSACTION_MS,
            "message.timeout.ms": _TRANSACTION_MS - 2_000,
            "message.max.bytes": ANY_SIZE,
            "partitioner": PARTITIONER,
        },
        unless_set={
            "compression.type": "lz4",
            "linger.ms": 5,
            # What goes wrong is raised; a coordinator that is not ready yet, or a writer taken over, is no warning.
            "log_level": _CRITICAL,
        },
    )
