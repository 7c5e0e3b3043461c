"""Single records, read at their place."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from consumer.kafka.client import KafkaBroken
from consumer.kafka.picking import NothingThere, NotKept, Picker
from consumer.settings import Settings
from tests.services.topics import MakeTopics

RECORDS = 4_000


@pytest.fixture
def topic(topic_prefix: str, make_topics: MakeTopics, kafka_bootstrap: str) -> str:
    name = topic_prefix + "attempts"
    make_topics({name: 2})
    producer = Producer(
        {"bootstrap.servers": kafka_bootstrap, "enable.idempotence": True, "linger.ms": 5, "compression.type": "lz4"}
    )
    for number in range(RECORDS):
        producer.produce(name, str(number).encode() * 100, partition=1)
    assert producer.flush(10) == 0
    return name


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str) -> Settings:
    return Settings(topic_prefix=topic_prefix, kafka={"bootstrap.servers": kafka_bootstrap})


@pytest.fixture
def picker(settings: Settings, topic: str) -> Iterator[Picker]:
    made = Picker(settings, topic)
    yield made
    made.close()


def test_a_record_is_read_at_its_place_again_and_again(picker: Picker) -> None:
    for offset in (0, RECORDS - 1, 17, 18, 2_500, 3):
        found = picker.pick(1, offset, within_s=5)
        assert (found.partition, found.offset) == (1, offset)
        assert found.value == str(offset).encode() * 100


def test_where_nothing_is_it_is_said_so_at_once(picker: Picker, kafka_bootstrap: str, topic: str) -> None:
    picker.pick(1, 5, within_s=5)
    began_s = time.monotonic()
    for partition, offset in ((1, RECORDS), (1, RECORDS + 10**9), (0, 0), (0, 7), (99, 0), (2**31 - 1, 0)):
        with pytest.raises(NothingThere):
            picker.pick(partition, offset, within_s=5)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    [done] = admin.delete_records([TopicPartition(topic, 1, 100)]).values()
    done.result()
    with pytest.raises(NotKept) as gone:
        picker.pick(1, 99, within_s=5)
    assert gone.value.begins == 100
    assert picker.pick(1, 100, within_s=5).offset == 100
    assert [each.offset for each in picker.pick_all(1, [5, 99, 101, 3_000], until_s=time.monotonic() + 5)] == [
        101,
        3_000,
    ]
    assert time.monotonic() - began_s < 4


def test_many_are_read_together(picker: Picker) -> None:
    wanted = [*range(0, 600, 3), 2_000, 3_999, RECORDS + 5]
    found = list(picker.pick_all(1, wanted, until_s=time.monotonic() + 5))
    assert [each.offset for each in found] == wanted[:-1]


def test_nobody_waits_longer_than_he_said(picker: Picker) -> None:
    with pytest.raises(KafkaBroken, match="in time"):
        list(picker.pick_all(1, [1, 2], until_s=time.monotonic() - 1))
    with pytest.raises(KafkaBroken, match="in time"):
        picker.pick(1, 0, within_s=0)
    assert picker.pick(1, 9, within_s=5).offset == 9
