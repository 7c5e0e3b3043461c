"""Records of the ordered topic that were left in the log, read once more: no group is joined and nothing is committed.

The laws: what is given is what `consumer.delivery.again` says of a look; and one look costs a bounded time and a
bounded number of bytes, however far apart its records lie.
"""

from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from consumer.delivery.again import Again, Found, Look
from consumer.kafka.client import broken, denied, error_of
from consumer.kafka.leaving import close
from consumer.kafka.message import record
from consumer.kafka.piece import piece
from consumer.kafka.reading import reader
from consumer.settings import Settings

_FOR_S: Final = 2.0
_BYTES_MOST: Final = 16 * 1_048_576


class LogAgain:
    """Answers one question after the other, in one thread. It connects with the first one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Consumer | None = None

    def answer(self, again: Again) -> Found:
        """The records of all its stretches, as far as this look goes.

        Raises:
            KafkaBroken: the topic may not be read.
        """
        if self._consumer is None:
            self._consumer = reader(self._settings)
        try:
            return _read(self._consumer, again)
        except KafkaException as exception:
            if denied(error_of(exception)):
                raise broken(error_of(exception), needs=f"READ on topic {again.window.partition[0]}") from None
            return Look(again).found()

    def close(self) -> None:
        """Leave the broker."""
        if self._consumer is not None:
            close(self._consumer)


def _read(consumer: Consumer, again: Again) -> Found:
    """One look, until it ends or has cost enough."""
    look = Look(again)
    with piece(consumer, again.window.partition, again.offset, for_s=_FOR_S, bytes_most=_BYTES_MOST) as batches:
        for batch in batches:
            for message in batch:
                _meet(look, message)
            if look.ends:
                break
    return look.found()


def _meet(look: Look, message: Message) -> None:
    """One message of the partition, in its order."""
    error = message.error()
    if error is not None:
        if denied(error):
            raise KafkaException(error)
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 # librdkafka's local code
            look.at_end()
        return
    offset, key = message.offset(), message.key()
    if offset is None:
        return
    stretch = look.meet(offset, key if isinstance(key, bytes) else None)
    if stretch is not None:
        look.take(stretch, record(message))
