"""What the console asks Kafka and Redis, of real ones: how far groups are behind, the latest poison, the index."""

import time

import pytest
from confluent_kafka import Producer
from pydantic import SecretStr

from consumer.console.groups import groups
from consumer.events.event import Poison, Record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.lag import LagReader
from consumer.kafka.provenance import poison_headers
from consumer.kafka.topics import Topics
from consumer.log.index import Bounds
from consumer.log.index_store import IndexStore
from consumer.log.indexing import Begin
from consumer.log.standing import Standing, StandingReader
from consumer.log.tending import Progress
from consumer.replay.latest_poison import MOST, LatestPoison
from consumer.settings import Settings
from consumer.webhooks.cache import Cache, CacheUnavailable, connect_log
from tests.job_topics import Stage
from tests.services.topics import MakeTopics


def settings_of(bootstrap: str, prefix: str = "hookline.", redis_url: str = "redis://127.0.0.1:1/0") -> Settings:
    return Settings(
        kafka={"bootstrap.servers": bootstrap},
        topic_prefix=prefix,
        redis_url=SecretStr(redis_url),
        event_topics=("^" + prefix.replace(".", "[.]") + "events[.].*",),
    )


def poisoned(settings: Settings, number: int) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka["bootstrap.servers"]})
    for each in range(number):
        record = Record(
            topic="orders", partition=3, offset=each, key=b"k", value=b"{" * (each + 1), headers=(), timestamp_ms=each
        )
        headers: list[tuple[str, str | bytes | None]] = [
            *poison_headers(record, Poison(reason="undecodable", detail=""))
        ]
        topic = Topics.of(settings).poison
        producer.produce(topic, record.value, record.key, partition=each % 2, headers=headers, timestamp=1_000 + each)
    producer.flush()


def test_groups_are_behind_by_what_they_have_not_committed(
    kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics
) -> None:
    settings = settings_of(kafka_bootstrap, topic_prefix)
    stage = Stage(settings, topic_prefix + "events.orders")
    make_topics({stage.events: 3, Topics.of(settings).poison: 2})
    for _ in range(5):
        stage.write(stage.events, b"{}", partition=0)
    reader = LagReader(settings, groups(settings))
    until_s = time.monotonic() + 20
    while True:  # on a new broker groups have no coordinator yet, and that is told
        try:
            assert reader.read(20.0) == []
        except KafkaBroken:
            assert time.monotonic() < until_s
            time.sleep(0.1)
        else:
            break
    stage.commit("deliver", {(stage.events, 0): (2, "map"), (stage.events, 1): (0, "")})
    stage.commit("deliver", {(stage.events, 2): (7, "")}, topic_id="of-another-topic")
    first, second = sorted(reader.read(20.0), key=lambda each: each.partition)
    group = Topics.of(settings).group("deliver")
    assert (first.group, first.topic, first.partition, first.committed, first.end, first.lag) == (
        group, stage.events, 0, 2, 5, 3,
    )  # fmt: skip
    assert first.told.endswith(";map")
    assert (second.partition, second.lag) == (1, 0)
    assert LatestPoison(settings).read(20.0) == []
    poisoned(settings, 13)
    latest = LatestPoison(settings).read(20.0)
    assert [each.record.timestamp_ms for each in latest] == [1_012, 1_011, 1_010, 1_009, 1_008]
    assert len(latest) == MOST
    assert str(latest[0].source) == "orders-3-12"


def test_without_brokers_and_redis_it_is_told_in_time() -> None:
    settings = settings_of("127.0.0.1:1")
    began_s = time.monotonic()
    for ask in (LagReader(settings, groups(settings)).read, LatestPoison(settings).read):
        with pytest.raises(KafkaBroken):
            ask(0.3)
    with pytest.raises(CacheUnavailable):
        StandingReader(settings).read()
    assert time.monotonic() - began_s < 10


def test_the_index_stands_as_its_role_told(redis_url: str) -> None:
    settings = settings_of("127.0.0.1:1", redis_url=redis_url)
    reader = StandingReader(settings)
    nothing = Standing(partitions=0, filling=0, entries=0, packed_bytes=0, since_ms=None, as_of_ms=None)
    assert reader.read() == nothing
    store = IndexStore(
        Cache(connect_log(settings)),
        topic_prefix=settings.topic_prefix,
        bounds=Bounds(plain=10, eventful=10),
        kept_for_ms=60_000,
    )
    for partition, filled in ((0, True), (3, False)):
        store.do(partition, [Begin(bucket=0, at=7)], owners={}, since_ms=5_000 + partition)
        told = Progress(as_of_ms=9_000 + partition, end=7, first=0, filled=filled, entries=10, bytes=740)
        assert store.tell({partition: told}) == [partition]
        assert store.tell({partition: told}) == []
    assert reader.read() == Standing(
        partitions=2, filling=1, entries=20, packed_bytes=1_480, since_ms=5_003, as_of_ms=9_000
    )
    reader.close()
    store.close()
