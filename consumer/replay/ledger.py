"""Replays written: a delivery on the spill topic (or the ordered one), and its chain's generation on the state topic.

The law: both records are one Kafka transaction, so a replay is counted exactly when it is on its way, wherever this
process is killed. What a batch makes of a job is `beside` it in that transaction: so a job is as far as what it sent.
There is one writer at a time: `open` ends whoever wrote before, waits out what it left half done,
and only then are the generations read. So no generation is given twice, also by two runs at once.

Two writes in any order would not do: counted first, a crash in between loses the replay in silence; written first, it
is made again with the same id, and dropped as a repeat only while its readers remember that id.

This is the one place with a transaction: nothing in it waits for HTTP. While one is open, readers of the spill topic
wait at its first record: some 80 ms for a full batch. One left open by a crash is ended by the next `open`, or by the
broker within 20 s.
"""

from collections.abc import Sequence
from typing import Final, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from consumer.delivery.order_partition import BEFORE
from consumer.kafka.client import KafkaBroken, Properties, broken, build, client_properties, error_of
from consumer.kafka.producing import ANY_SIZE, TOO_LARGE
from consumer.kafka.records import encode_delivery
from consumer.kafka.state import read_replays, replay_record
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord
from consumer.replay.plan import Place, Planned
from consumer.settings import Settings

MOST: Final = 500
"""Replays in one batch."""

_ID: Final = "transactional.id"
_TIMEOUT_S: Final = 30.0
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


class Ledger:
    """The one writer of replays. Belongs to one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topics = Topics.of(settings)
        self._refused: KafkaError | None = None
        self._refused_by = ""
        self._producer = build(Producer, ledger_properties(settings))

    @classmethod
    def open(cls, settings: Settings, within_s: float = _TIMEOUT_S) -> Self:
        """Become the writer.

        Raises:
            ConfigurationError: the user's Kafka properties contradict those needed.
            KafkaBroken: Kafka did not answer, or forbids the transactional id.
        """
        ledger = cls(settings)
        try:
            ledger._producer.init_transactions(within_s)
        except KafkaException as exception:
            needs = f"WRITE and DESCRIBE on transactional id {ledger_properties(settings)[_ID]}"
            raise broken(error_of(exception), "becoming the writer of replays", needs=needs) from None
        return ledger

    def generations(self) -> dict[str, int]:
        """How often each chain was replayed.

        Raises:
            KafkaBroken: the state topic could not be read.
        """
        return generations(self._settings)

    def write(self, batch: Sequence[Planned], beside: Sequence[NewRecord] = ()) -> None:
        """Write a batch of at most `MOST`, and further records beside it, whole or not at all.

        Raises:
            TakenOver: another ledger was opened; nothing of this batch was written.
            BatchRefused: nothing of it was written, for one of its records is too large for its topic.
            KafkaBroken: nothing was written, or, where the last answer was lost, all of it.
        """
        assert len(batch) <= MOST
        # Encoded before anything is begun: a bug in one record leaves no transaction open.
        records = [record for planned in batch for record in self._records(planned)]
        self._refused = None
        try:
            self._producer.begin_transaction()
            for record in (*records, *beside):
                self._produce(record)
            self._commit()
        except KafkaException as exception:
            raise self._given_up(self._cause(error_of(exception))) from None

    def _records(self, planned: Planned) -> tuple[NewRecord, NewRecord]:
        return replay_record(self._settings, planned.replay), replayed_record(self._topics, planned)

    def _cause(self, error: KafkaError) -> KafkaError:
        """Once librdkafka has heard in the background that the writer is fatally out, producing says only "fatal"."""
        if error.code() != KafkaError._FATAL:  # noqa: SLF001 # librdkafka's local code
            return error
        try:
            self._producer.abort_transaction(_TIMEOUT_S)
        except KafkaException as exception:
            return error_of(exception)
        return error

    def _produce(self, record: NewRecord) -> None:
        headers: list[tuple[str, str | bytes | None]] = list(record.headers)
        self._producer.produce(record.topic, record.value, record.key, headers=headers, on_delivery=self._delivered)
        self._producer.poll(0)

    def _commit(self) -> None:
        """Commit; an answer that got lost is asked for again, which the broker takes as the same commit."""
        for left in reversed(range(_TRIES)):
            try:
                self._producer.commit_transaction(_TIMEOUT_S)
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
                self._producer.abort_transaction(_TIMEOUT_S)
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


def replayed_record(topics: Topics, planned: Planned) -> NewRecord:
    """The replay: to the spill topic, or to its place in its line of the ordered topic."""
    delivery = planned.delivery
    value = encode_delivery(delivery)
    if delivery.order is None:
        return NewRecord(topic=topics.retry(0), key=delivery.subscription_id.encode(), value=value)
    headers = (BEFORE,) if planned.place is Place.BEFORE else ()
    return NewRecord(topic=topics.ordered, key=delivery.order.encode(), value=value, headers=headers)


def generations(settings: Settings) -> dict[str, int]:
    """How often each chain was replayed, as far as it is committed now.

    Raises:
        KafkaBroken: the state topic could not be read.
    """
    return {chain: replay.generation for chain, replay in read_replays(settings).items()}


def ledger_properties(settings: Settings) -> Properties:
    """One transactional id for the installation: that is what makes the writer one.

    Raises:
        ConfigurationError: the user's properties contradict these.
    """
    return client_properties(
        settings,
        ours={
            _ID: settings.topic_prefix + "replay",
            "acks": "all",
            "enable.idempotence": True,
            "transaction.timeout.ms": _TRANSACTION_MS,
            "message.timeout.ms": _TRANSACTION_MS - 2_000,
            "message.max.bytes": ANY_SIZE,
        },
        unless_set={
            "compression.type": "lz4",
            "linger.ms": 5,
            # As the other producers of these topics, so that a webhook's records land on one partition.
            "partitioner": "murmur2_random",
            # What goes wrong is raised; a coordinator that is not ready yet, or a writer taken over, is no warning.
            "log_level": _CRITICAL,
        },
    )
