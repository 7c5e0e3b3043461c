"""A message of Kafka's client becomes a Record: the one place where one is read.

The law: `record` is total. Whatever another client wrote into a record, reading it raises nothing; what cannot be read
of it is told by the Record itself.
"""

from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import Final

from confluent_kafka import Message

from consumer.events.event import Record, RecordHeaders

_NO_HEADERS: Final[RecordHeaders] = ()
# For a name that is not UTF-8 confluent-kafka 2.16 sets an exception and returns a list all the same, with null
# pointers in it. A call by way of C is checked and raises SystemError; one that CPython has specialized is not.
_headers: Final[Callable[[Message], Sequence[tuple[str, bytes | None]] | None]] = methodcaller("headers")


def record(message: Message) -> Record:
    """A consumed message, which is no error, as a Record: 0.3 µs."""
    try:
        headers, readable = _headers(message), True
    except (UnicodeDecodeError, SystemError):
        # Never ask again: the client would answer with null pointers in place of the names.
        headers, readable = None, False
    topic: str = message.topic()  # type: ignore[assignment] # that of no record is None
    partition: int = message.partition()  # type: ignore[assignment] # same
    offset: int = message.offset()  # type: ignore[assignment] # same
    return Record(
        topic=topic,
        partition=partition,
        offset=offset,
        key=message.key(),
        value=message.value(),
        headers=tuple(headers) if headers else _NO_HEADERS,
        headers_readable=readable,
        timestamp_ms=message.timestamp()[1],
        leader_epoch=message.leader_epoch(),
    )
