"""A broker that tells little, as the demo's: what it does not tell is not taken for nothing."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from consumer.demo.broker import Broker
from consumer.kafka.committed import committed
from consumer.kafka.spans import SpanReader
from consumer.settings import Settings

TOPIC = "events"
NUMBER = 40


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker([TOPIC]) as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        for number in range(NUMBER):
            producer.produce(TOPIC, str(number).encode())
        assert producer.flush(20) == 0
        yield broker


def test_what_a_group_has_committed_is_known(broker: Broker) -> None:
    settings = Settings(kafka={"bootstrap.servers": broker.bootstrap_servers}, trust_broker=True)
    member = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "deliver"})
    member.commit(offsets=[TopicPartition(TOPIC, 1, 7)], asynchronous=False)
    member.close()
    assert {place: at.offset for place, at in committed(settings, "deliver", [TOPIC]).items()} == {(TOPIC, 1): 7}


def test_a_span_has_what_was_written_since_then(broker: Broker) -> None:
    settings = Settings(kafka={"bootstrap.servers": broker.bootstrap_servers}, trust_broker=True)
    an_hour_ago_ms = time.time_ns() // 1_000_000 - 3_600_000
    with closing(SpanReader(settings)) as reader:
        logs = reader.extents([TOPIC])
        assert reader.first_since(logs, an_hour_ago_ms) == {place: log.begin for place, log in logs.items()}
        until = reader.first_since(logs, an_hour_ago_ms + 7_200_000, untold="end")
        assert until == {place: log.end for place, log in logs.items()}
        records = [record for batch in reader.read(logs) for record in batch.records]
    assert len(records) == NUMBER
