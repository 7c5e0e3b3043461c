"""Reading a whole topic, all its partitions, once or from there on: no group is joined and nothing is committed.

The law: `read_to_end` yields every record that was there at the call, in the order of its partition.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from typing import Final, Literal

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.delivery.offsets import Partition
from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken, Properties, broken, build, client_properties, denied, error_of
from consumer.kafka.leaving import close
from consumer.kafka.message import record
from consumer.kafka.placing import extent
from consumer.settings import Settings

_SILENCE_S: Final = 15.0
_EARLIEST_MS: Final = 1  # the first time that Kafka takes
_BATCH: Final = 1_000
# By default 64 MB are fetched ahead, and of each partition a megabyte at once, which is several when it is not
# compressed any more. Read this way 300,000 records of 700 B take as long, 0.6 s, and a process 69 MB instead of 203.
_LITTLE: Final[Properties] = {
    "fetch.message.max.bytes": 131_072,
    "queued.max.messages.kbytes": 2_048,
    "fetch.queue.backoff.ms": 5,  # a full queue would be looked at again after a second, also once it is empty
    "fetch.wait.max.ms": 50,  # a broker answers nothing else on a connection while a fetch waits there
}


class TopicMissing(KafkaBroken):
    """There is no such topic."""


def read_to_end(
    settings: Settings, topic: str, *, starts: Mapping[int, int] | None = None, since_ms: int | None = None
) -> Iterator[Record]:
    """Every record of the topic, from where each partition starts on.

    `starts` are offsets by partition; the others begin with the first record of `since_ms` or later, or with their
    first of all.

    Raises:
        TopicMissing: there is no such topic.
        KafkaBroken: it may not be read, or the broker fell silent for 15 s.
    """
    consumer = reader(settings)
    try:
        logs = extents(consumer, topic, timeout_s=_SILENCE_S)
        found = first_since(consumer, {(topic, number): log for number, log in logs.items()}, since_ms or 0)
        places = {number: offset for (_, number), offset in found.items()}
        places |= {number: max(logs[number][0], start) for number, start in (starts or {}).items() if number in logs}
        ends = {(topic, number): logs[number][1] for number, start in places.items() if logs[number][1] > start}
        consumer.assign([TopicPartition(topic, number, places[number]) for _, number in ends])
        yield from _until(consumer, ends)
    except KafkaException as exception:
        raise broken(error_of(exception), f"reading {topic}") from None
    finally:
        close(consumer)


def first_since(
    consumer: Consumer,
    logs: Mapping[Partition, tuple[int, int]],
    since_ms: int,
    *,
    untold: Literal["begin", "end"] = "begin",
) -> dict[Partition, int]:
    """The offset of each partition's first record of this time or later; its end where there is none.

    `logs` are where they begin and end. `untold` is taken of a broker that knows of no times, as librdkafka's mock
    cluster.

    Raises:
        KafkaException: the broker does not answer.
    """
    if since_ms <= 0:  # Kafka takes times from 1970 on; negative ones are words of its protocol
        return {place: begin for place, (begin, _) in logs.items()}
    found = _first_told(consumer, logs, since_ms)
    # A broker that tells times has a first record since 1970 where there is any.
    later = [place for place, (begin, end) in logs.items() if found[place] is None and begin < end]
    timeless = {place for place, first in _first_told(consumer, later, _EARLIEST_MS).items() if first is None}
    offsets: dict[Partition, int] = {}
    for place, (begin, end) in logs.items():
        first = found[place]
        if first is None:
            offsets[place] = begin if place in timeless and untold == "begin" else end
        else:
            offsets[place] = max(begin, first)
    return offsets


def _first_told(consumer: Consumer, places: Collection[Partition], since_ms: int) -> dict[Partition, int | None]:
    """What the broker says: None where it knows of no record of this time or later."""
    if not places:
        return {}
    answers = consumer.offsets_for_times([TopicPartition(*place, since_ms) for place in places], timeout=_SILENCE_S)
    for each in answers:
        if each.error is not None:
            raise KafkaException(each.error)
    return {(each.topic, each.partition): each.offset if each.offset >= 0 else None for each in answers}


def reader(settings: Settings, *, unless_set: Mapping[str, str | int | bool] | None = None) -> Consumer:
    """A consumer outside every group, to be assigned partitions; it tells where they end.

    Raises:
        ConfigurationError: the user's properties contradict those that are ours.
    """
    return build(Consumer, reader_properties(settings, unless_set=unless_set))


def reader_properties(
    settings: Settings,
    *,
    unless_set: Mapping[str, str | int | bool] | None = None,
    outside: Literal["earliest", "error"] = "earliest",
) -> Properties:
    """How a reader is configured. `outside`: what an offset does that its log does not have.

    Raises:
        ConfigurationError: the user's properties contradict those that are ours.
    """
    ours: Properties = {
        "group.id": settings.topic_prefix + "reader",  # librdkafka wants one; it is never joined
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": outside,
        "isolation.level": "read_committed",
    }
    return client_properties(settings, ours=ours, unless_set={**_LITTLE, **(unless_set or {})})


def extents(consumer: Consumer, topic: str, *, timeout_s: float) -> dict[int, tuple[int, int]]:
    """Where each partition of the topic begins and ends now, in the partitions' order.

    Raises:
        TopicMissing: there is no such topic.
        KafkaBroken: it may not be read.
        KafkaException: the broker does not answer in time.
    """
    found = consumer.list_topics(topic, timeout=timeout_s).topics[topic]
    if found.error is not None and found.error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        raise broken(found.error, f"reading {topic}", needs=f"READ and DESCRIBE on topic {topic}")
    if found.error is not None or not found.partitions:
        raise TopicMissing(f"{topic} does not exist: `hookline topics create` creates it")
    numbers = sorted(found.partitions)
    return {number: extent(consumer, (topic, number), timeout_s) for number in numbers}


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
                elif error.fatal() or denied(error):
                    raise broken(error, needs=f"READ on topic {message.topic()}")
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
