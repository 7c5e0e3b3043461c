"""The role on real Kafka and Redis: every attempt counts once, come what may."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace
from pydantic import SecretStr

from consumer.kafka.records import encode_attempt
from consumer.kafka.topics import admin_client
from consumer.log.store import HealthReader
from consumer.settings import Settings
from tests.attempts import plain
from tests.log_role import IDS, eventually, installed
from tests.log_role import running as role_running
from tests.services.redis import Redis

running = partial(role_running, ends_within_s=8.0)


@pytest.fixture
def settings(kafka_bootstrap: str, redis_url: str, topic_prefix: str, tmp_path: Path) -> Settings:
    return installed(kafka_bootstrap, redis_url, topic_prefix, tmp_path)


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        yield client


def attempted(settings: Settings, *, failed: int) -> None:
    """So many failed attempts of each webhook, and a record that is none."""
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka["bootstrap.servers"],
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
        }
    )
    topic = settings.topic_prefix + "attempts"
    producer.produce(topic, b"no attempt", b"wh_0")
    now_ms = time.time_ns() // 1_000_000
    for _ in range(failed):
        for id_ in IDS:
            attempt = replace(plain, subscription_id=id_, at_ms=now_ms, status=503, outcome="retry")
            producer.produce(topic, encode_attempt(attempt), id_.encode())
    assert producer.flush(10) == 0


def counted(settings: Settings) -> set[int]:
    """How many failures the webhooks have; one figure when all agree."""
    with closing(HealthReader(settings)) as reader:
        found = reader.read(IDS)
    return {found[id_].consecutive_failures if id_ in found else 0 for id_ in IDS}


def steadily(look: Callable[[], object], wanted: object, for_s: float = 1.0) -> None:
    """Nothing counts twice a little later."""
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        assert look() == wanted
        time.sleep(0.1)


def lag(settings: Settings) -> int:
    """What Kafka's tools would say of the group."""
    topic = settings.topic_prefix + "attempts"
    group = {"bootstrap.servers": settings.kafka["bootstrap.servers"], "group.id": settings.topic_prefix + "log"}
    with closing(Consumer(group)) as consumer:
        places = consumer.committed([TopicPartition(topic, number) for number in range(settings.partitions)], timeout=5)
        ends = [
            consumer.get_watermark_offsets(TopicPartition(topic, place.partition), timeout=5)[1] for place in places
        ]
        return sum(end - max(0, place.offset) for place, end in zip(places, ends, strict=True))


def shares(settings: Settings) -> int:
    """How many members of the group have a partition of the attempts topic."""
    group = settings.topic_prefix + "log"
    admin = admin_client(settings)  # its answers come for as long as it lives
    found = admin.describe_consumer_groups([group])[group].result(timeout=10)
    topic = settings.topic_prefix + "attempts"
    assigned = [{place.topic for place in member.assignment.topic_partitions} for member in found.members]
    return sum(topic in topics for topics in assigned)


def test_a_flush_a_restart_and_both(settings: Settings, client: redis.Redis) -> None:
    attempted(settings, failed=3)
    with running(settings):
        eventually(lambda: counted(settings), {3})
        attempted(settings, failed=1)
        eventually(lambda: counted(settings), {4})
        eventually(lambda: lag(settings), 0)
        client.flushdb()
        eventually(lambda: counted(settings), {4})
    attempted(settings, failed=1)
    with running(settings):
        eventually(lambda: counted(settings), {5})
        steadily(lambda: counted(settings), {5})
    client.flushdb()
    with running(settings):
        eventually(lambda: counted(settings), {5})
        steadily(lambda: counted(settings), {5})


def test_two_processes_share_the_partitions(settings: Settings) -> None:
    attempted(settings, failed=1)
    with running(settings, slot=0):
        eventually(lambda: counted(settings), {1})
        with running(settings, slot=1):
            eventually(lambda: shares(settings), 2)
            attempted(settings, failed=2)
            eventually(lambda: counted(settings), {3})
            steadily(lambda: counted(settings), {3})


def test_redis_away_and_back_empty(settings: Settings, private_redis: Redis) -> None:
    away = settings.model_copy(update={"redis_url": SecretStr(private_redis.url())})
    attempted(settings, failed=1)
    with running(away):
        eventually(lambda: counted(away), {1})
        private_redis.kill()
        attempted(settings, failed=1)
        time.sleep(1.5)
        private_redis.restart()
        eventually(lambda: counted(away), {2})
        steadily(lambda: counted(away), {2})
