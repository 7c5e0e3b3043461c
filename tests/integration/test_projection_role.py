"""The role on real Kafka and Redis: what is written to the topic is read from the cache, come what may."""

import time
from collections.abc import Callable

import pytest
import redis
from confluent_kafka import Producer
from pydantic import SecretStr

from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import admin_client, create
from consumer.roles import projection
from consumer.settings import Settings
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.reader import Loaded, Reader, Unavailable
from consumer.webhooks.record import decode, rewrite_of
from tests.role_thread import running
from tests.services.redis import Redis
from tests.webhook_samples import changed, subscription


@pytest.fixture
def settings(kafka_bootstrap: str, redis_url: str, topic_prefix: str, tmp_path: object) -> Settings:
    made = Settings(
        topic_prefix=topic_prefix,
        partitions=3,
        redis_url=SecretStr(redis_url),
        kafka={"bootstrap.servers": kafka_bootstrap},
    )
    create(admin_client(made), made)
    return made


def produce(settings: Settings, *states: State) -> None:
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka["bootstrap.servers"],
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
        }
    )
    for state in states:
        written = rewrite_of(state)
        producer.produce(
            settings.topic_prefix + "subscriptions", written.value, written.key, headers=list(written.headers)
        )
    assert producer.flush(10) == 0


def ids(settings: Settings, reader: Reader, tenant: str = "acme") -> list[str] | str:
    reading = reader.read({tenant: None})[tenant]
    if isinstance(reading, Unavailable):
        return reading.reason
    assert isinstance(reading, Loaded)
    return [each.id for each in reading.subscriptions]


def eventually(look: Callable[[], object], wanted: object, within_s: float = 20.0) -> None:
    until_s = time.monotonic() + within_s
    while (found := look()) != wanted:
        assert time.monotonic() < until_s, found
        time.sleep(0.02)


def test_from_topic_to_cache_and_back_after_a_flush(settings: Settings) -> None:
    reader = Reader.from_settings(settings)
    first, second = subscription("wh_1"), subscription("wh_2")
    produce(settings, first, second)
    assert isinstance(ids(settings, reader), str)
    with running(projection.main, settings):
        eventually(lambda: ids(settings, reader), ["wh_1", "wh_2"])
        produce(settings, Deletion.of(second), subscription("wh_3"))
        eventually(lambda: ids(settings, reader), ["wh_1", "wh_3"])
        with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
            client.flushdb()
        assert isinstance(ids(settings, reader), str)
        eventually(lambda: ids(settings, reader), ["wh_1", "wh_3"])
        # A write that loses is followed by its winner, in the topic itself.
        produce(settings, changed(first, name="winner"), changed(first, name="loser"))

        def names() -> list[str]:
            records = read_to_end(settings, settings.topic_prefix + "subscriptions")
            return [decode(each.value).name for each in records if each.key == b"wh_1" and each.value is not None]

        eventually(names, ["", "winner", "loser", "winner"])
    reader.close()


def test_another_process_takes_over(settings: Settings) -> None:
    reader = Reader.from_settings(settings)
    with running(projection.main, settings, slot=1):
        with running(projection.main, settings, slot=0):
            produce(settings, subscription("wh_1"))
            eventually(lambda: ids(settings, reader), ["wh_1"])
        produce(settings, subscription("wh_2"))
        eventually(lambda: ids(settings, reader), ["wh_1", "wh_2"])
    reader.close()


def test_redis_away_and_back_empty(settings: Settings, private_redis: Redis) -> None:
    away = settings.model_copy(update={"redis_url": SecretStr(private_redis.url())})
    reader = Reader.from_settings(away)
    produce(settings, subscription("wh_1"))
    with running(projection.main, away):
        eventually(lambda: ids(away, reader), ["wh_1"])
        private_redis.pause()
        produce(settings, subscription("wh_2"))
        assert isinstance(ids(away, reader), str)
        time.sleep(1.5)
        private_redis.resume()
        eventually(lambda: ids(away, reader), ["wh_1", "wh_2"])
    reader.close()
