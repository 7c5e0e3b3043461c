"""Our producers put a key where `partition_of` says, and of a topic that grew one partition is read for it."""

import time

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewPartitions

from consumer.delivery.offsets import Partition
from consumer.kafka.key_spans import of_key
from consumer.kafka.partitioner import partition_of
from consumer.kafka.spans import Span, SpanReader
from consumer.kafka.writing import NewRecord, write_now
from consumer.settings import Settings
from tests.services.topics import MakeTopics

HOUR_MS = 3_600_000
KEYS = [f"wh_{number}".encode() for number in range(60)]


def test_a_key_is_found_where_our_producers_put_it_before_and_after_partitions_were_added(
    kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics
) -> None:
    settings, topic = Settings(kafka={"bootstrap.servers": kafka_bootstrap}), topic_prefix + "grown"
    now_ms = time.time_ns() // 1_000_000
    make_topics({topic: 3})
    reader = SpanReader(settings)
    try:
        written(kafka_bootstrap, topic, now_ms - 3 * HOUR_MS)
        admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
        admin.create_partitions([NewPartitions(topic, 7)])[topic].result()
        while len(reader.extents([topic])) < 7:
            time.sleep(0.05)
        written(kafka_bootstrap, topic, now_ms - 2 * HOUR_MS)
        write_now(settings, [NewRecord(topic=topic, key=key, value=b"now") for key in KEYS])
        logs = reader.extents([topic])
        for key in KEYS[:10]:
            read = of_key(reader, key, logs, logs, since_ms=0, now_ms=now_ms)
            places = [partition_of(key, 3), partition_of(key, 7), partition_of(key, 7)]
            assert [number for each, number in found(reader, read) if each == key] == sorted(places)
        since_ms = now_ms - HOUR_MS
        spans = {place: Span(first, logs[place].end) for place, first in reader.first_since(logs, since_ms).items()}
        read = of_key(reader, KEYS[0], logs, spans, since_ms=since_ms, now_ms=now_ms)
        assert {number for (_, number), span in read.items() if span.begin < span.end} == {partition_of(KEYS[0], 7)}
    finally:
        reader.close()


def written(bootstrap: str, topic: str, at_ms: int) -> None:
    """Each key's record once, of that time, by a client that chooses partitions as ours do."""
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    for key in KEYS:
        producer.produce(topic, b"then", key, timestamp=at_ms)
    assert producer.flush(20) == 0


def found(reader: SpanReader, spans: dict[Partition, Span]) -> list[tuple[bytes, int]]:
    """The keys and partitions of all their records, by partition."""
    read = [record for batch in reader.read(spans) for record in batch.records]
    return sorted(((record.key or b"", record.partition) for record in read), key=lambda each: each[1])
