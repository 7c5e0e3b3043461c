"""Reading a whole topic once, from its beginning to where it ended when reading began.

The law: every record that was there at the call is yielded, in the order of its partition; no group is joined and
nothing is committed.
"""

import time
from collections.abc import Iterator
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.delivery.offsets import Partition
from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken, broken, build, client_properties, error_of
from consumer.kafka.consumer import record
from consumer.settings import Settings

_SILENCE_S: Final = 15.0
_BATCH: Final = 1_000
_MOVING: Final = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 # librdkafka's local code: its metadata is of a moment without a leader
    }
)


def read_to_end(settings: Settings, topic: str) -> Iterator[Record]:
    """Every record of the topic.

    Raises:
        KafkaBroken: there is no such topic, or the broker fell silent for 15 s.
    """
    consumer = build(Consumer, _properties(settings))
    try:
        ends = _ends(consumer, topic)
        consumer.assign([TopicPartition(*partition, OFFSET_BEGINNING) for partition in ends])
        yield from _until(consumer, ends)
    except KafkaException as exception:
        raise broken(error_of(exception), f"reading {topic}") from None
    finally:
        consumer.close()


def _properties(settings: Settings) -> dict[str, str | int | bool]:
    ours: dict[str, str | int | bool] = {
        "group.id": settings.topic_prefix + "reader",  # librdkafka wants one; it is never joined
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
    }
    # 64 MB are fetched ahead by default, of which a command has no use.
    unless_set = {"fetch.wait.max.ms": 50, "queued.max.messages.kbytes": 8_192}
    return client_properties(settings, ours=ours, unless_set=unless_set)


def _ends(consumer: Consumer, topic: str) -> dict[Partition, int]:
    """The end of each partition that holds anything."""
    found = consumer.list_topics(topic, timeout=_SILENCE_S).topics[topic]
    if found.error is not None or not found.partitions:
        raise KafkaBroken(f"{topic} does not exist: `hookline topics create` creates it")
    ends: dict[Partition, int] = {}
    for number in found.partitions:
        low, high = _watermarks(consumer, TopicPartition(topic, number))
        if high > low:
            ends[topic, number] = high
    return ends


def _watermarks(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """Where a partition begins and ends. One that is just being made, or led by another broker, is asked again."""
    until_s = time.monotonic() + _SILENCE_S
    while True:
        try:
            return consumer.get_watermark_offsets(place, timeout=_SILENCE_S)
        except KafkaException as exception:
            if error_of(exception).code() not in _MOVING or time.monotonic() > until_s:
                raise
        time.sleep(0.1)


def _until(consumer: Consumer, ends: dict[Partition, int]) -> Iterator[Record]:
    unfinished = set(ends)
    heard_s = time.monotonic()
    while unfinished:
        # Nothing says when the first record comes, and `consume` waits its time out unless it is full.
        first = consumer.poll(1.0)
        messages = [] if first is None else [first, *consumer.consume(_BATCH, 0)]
        if messages:
            heard_s = time.monotonic()
        elif time.monotonic() - heard_s > _SILENCE_S:
            raise KafkaBroken(f"{next(iter(unfinished))[0]}: nothing came for {_SILENCE_S:g} s")
        for message in messages:
            if (error := message.error()) is not None:
                if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 # librdkafka's local code
                    # The last offsets may hold nothing: compacted away, or a transaction's end.
                    unfinished.discard(_place(message))
                elif error.fatal():
                    raise broken(error)
                continue
            read = record(message)
            place = (read.topic, read.partition)
            if read.offset < ends[place]:
                yield read
            if read.offset >= ends[place] - 1:
                unfinished.discard(place)


def _place(message: Message) -> Partition:
    topic, partition = message.topic(), message.partition()
    assert topic is not None
    assert partition is not None
    return topic, partition
