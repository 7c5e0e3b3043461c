"""The role's index on real Kafka and Redis: what was attempted is listed, each delivery once, come what may."""

import time
from contextlib import closing
from pathlib import Path

import pytest
import redis
from confluent_kafka import Producer
from msgspec.structs import replace
from pydantic import SecretStr

from consumer.kafka.records import encode_attempt
from consumer.log.packing import Packing
from consumer.log.query import Cursor, Query, View
from consumer.log.reading import LogReader
from consumer.log.store import HealthReader
from consumer.roles.tender import Tender
from consumer.settings import Settings
from tests.attempts import plain
from tests.log_role import IDS, eventually, installed, running
from tests.services.redis import Redis


@pytest.fixture
def settings(kafka_bootstrap: str, redis_url: str, topic_prefix: str, tmp_path: Path) -> Settings:
    return installed(kafka_bootstrap, redis_url, topic_prefix, tmp_path)


def attempted(settings: Settings, numbers: range) -> None:
    """So many deliveries: each fourth fails once before it is accepted."""
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka["bootstrap.servers"],
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
        }
    )
    topic = settings.topic_prefix + "attempts"
    now_ms = time.time_ns() // 1_000_000
    for number in numbers:
        id_ = IDS[number % len(IDS)]
        attempt = replace(plain, delivery_id=f"{number:032x}", event_id=f"e{number}", subscription_id=id_, at_ms=now_ms)
        if number % 4 == 0:
            failed = replace(attempt, status=503, outcome="retry", next_tier="5s")
            producer.produce(topic, encode_attempt(failed), id_.encode())
            attempt = replace(attempt, number=2, first_attempt_ms=now_ms)
        producer.produce(topic, encode_attempt(attempt), id_.encode())
    assert producer.flush(10) == 0


def listed(settings: Settings, view: View = View.DELIVERIES) -> list[int]:
    """The deliveries of all pages, sorted."""
    found: list[int] = []
    cursor: Cursor | None = None
    with closing(LogReader(settings)) as reader:
        while True:
            page = reader.page(view, tenant="acme", brand="hookline", query=Query(), limit=70, cursor=cursor)
            found += [int(row.entry.delivery, 16) for row in page.rows]
            cursor = page.next
            if cursor is None:
                return sorted(found)


def test_history_what_comes_a_flush_and_a_restart(settings: Settings, redis_url: str) -> None:
    attempted(settings, range(200))
    with running(settings):
        eventually(lambda: listed(settings), [*range(200)])  # filled from what was there
        attempted(settings, range(200, 240))
        eventually(lambda: listed(settings), [*range(240)])
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        eventually(lambda: listed(settings), [*range(240)])
    attempted(settings, range(240, 260))
    with running(settings):
        eventually(lambda: listed(settings), [*range(260)])
        eventually(lambda: len(listed(settings, View.ATTEMPTS)), 260 + 65)


def test_the_log_s_own_redis_away_and_back_empty(settings: Settings, private_redis: Redis) -> None:
    own = settings.model_copy(update={"log_redis_url": SecretStr(private_redis.url())})
    attempted(settings, range(20))
    with running(own):
        eventually(lambda: listed(own), [*range(20)])
        private_redis.kill()
        attempted(settings, range(20, 60))
        with closing(HealthReader(settings)) as health:  # which waits for no index
            eventually(lambda: sum(each.answers for each in health.read(IDS).values()), 60 + 15)
        private_redis.restart()
        eventually(lambda: listed(own), [*range(60)])


def test_where_redis_is_nearly_full_the_index_takes_half(settings: Settings, private_redis: Redis) -> None:
    own = settings.model_copy(update={"log_redis_url": SecretStr(private_redis.url())})
    with closing(redis.Redis.from_url(private_redis.url())) as client:
        used = int(client.info("memory")["used_memory"])
        client.config_set("maxmemory", int(used * 1.1))
        tender = Tender(own, "attempts", Packing(own, lambda: 0), lambda: 0)
        tender._bound()
        assert tender._memory.share_bytes(tender.partitions) == 512 * 1_048_576 // 3 // 2
        client.config_set("maxmemory", used * 100)
        tender._memory._look_at_s = 0.0
        tender._bound()
        assert tender._memory.share_bytes(tender.partitions) == 512 * 1_048_576 // 3
