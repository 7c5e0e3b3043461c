"""Writing a few records and waiting for them: what a person's command does.

The law: when `write_now` returns, all in-sync replicas have every record. When it raises, some may have been written,
and writing them again is harmless: every record here is the last word on its key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from consumer.events.event import RecordHeaders
from consumer.kafka.client import KafkaBroken
from consumer.kafka.producer import RecordProducer, Refused
from consumer.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """A record to be written, to this partition or where its key belongs.

    A value of None deletes its key on a compacted topic.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: RecordHeaders = ()
    partition: int | None = None


def write_now(settings: Settings, records: Sequence[NewRecord], *, timeout_s: float = 15.0) -> None:
    """Write the records, of distinct keys, and wait.

    Raises:
        KafkaBroken: not all were acknowledged in time (they may be later), or one was refused.
    """
    producer = RecordProducer(settings, idempotent=False)
    for token, record in enumerate(records):
        producer.write(
            token,
            topic=record.topic,
            key=record.key,
            value=record.value,
            headers=record.headers,
            partition=record.partition,
        )
    left = producer.close(timeout_s)
    for produced in producer.poll():
        if isinstance(produced, Refused):
            raise KafkaBroken(f"{records[produced.token].topic} refuses the record: {produced.reason}")
    if left:
        raise KafkaBroken(f"{left} of {len(records)} records were not acknowledged within {timeout_s:g} s")
