"""Records that a newer Hookline wrote: their form is none that this version knows.

The law: whoever follows a topic of ours for what has to be done stops before such a record. It is not passed over, and
it is no poison: a newer process reads it where this one stopped. So while two versions run side by side, and after a
way back to the older one, something may wait, and nothing is lost.

A form is known by the record's first ten bytes (`wire.py`). What does not begin as our records do is no newer record,
but a broken one. What is on a topic without such bytes (poison, a deletion's headers) may gain fields and lose none.
"""

from contextlib import suppress
from functools import cache
from typing import Final

from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.sealed import clear_of, is_sealed
from consumer.schemas import avro_histories
from consumer.wire import HEAD_BYTES, MAGIC, RecordCorrupt, head_of

CODE: Final = "NEWER_RECORD"


class NewerRecord(KafkaBroken):
    """The message says where the record lies, and that this process has to be updated."""

    def __init__(self, record: Record) -> None:
        place = f"{record.topic}-{record.partition} at offset {record.offset}"
        super().__init__(f"{place}: a newer Hookline wrote this record: update this process", code=CODE)


def is_newer(value: bytes | None) -> bool:
    """Whether this is one of our records, of a form that this version does not know.

    Of a sealed one that is asked of what stands in the clear, and once more of what was opened.
    """
    if value is None or len(value) < HEAD_BYTES or not value.startswith(MAGIC):
        return False
    if is_sealed(value):
        with suppress(RecordCorrupt):
            return is_newer(clear_of(value))
        return False
    return value[:HEAD_BYTES] not in _known_heads()


def stop_before(record: Record) -> None:
    """Go on with the record.

    Raises:
        NewerRecord: it is one.
    """
    if is_newer(record.value):
        raise NewerRecord(record)


@cache
def _known_heads() -> frozenset[bytes]:
    """Of every kind of record there is: which of them lies where is for its reader to say."""
    return frozenset(head_of(schema) for history in avro_histories() for schema in history)
