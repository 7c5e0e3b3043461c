"""A Redis that is emptied takes the log's lists and every figure: all of them come back, the newest first.

LOG_ATTEMPTS=100000 is the size that is asked for; the suite has time for less.
"""

import os
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import redis
from confluent_kafka import Producer
from msgspec.structs import replace

from consumer.kafka import subscriptions
from consumer.kafka.records import encode_attempt
from consumer.kafka.writing import NewRecord, write_now
from consumer.log.health import Health
from consumer.log.query import Query, View
from consumer.log.reading import LogReader
from consumer.log.store import HealthReader
from consumer.settings import Settings
from consumer.webhooks import record
from consumer.webhooks.subscription import Status
from tests.attempts import plain
from tests.chaos.listed import Made, listed, made_of
from tests.log_role import IDS, eventually, installed, running
from tests.webhook_samples import subscription

ATTEMPTS: Final = int(os.environ.get("LOG_ATTEMPTS", "4000"))
FAILING: Final = IDS[0]
FAILURES: Final = 10
PAGE: Final = 50
FIRST_PAGES_WITHIN_S: Final = 5.0
ALL_WITHIN_S: Final = 120.0


@pytest.fixture
def settings(kafka_bootstrap: str, redis_url: str, topic_prefix: str, tmp_path: Path) -> Settings:
    """Lists that are full, and an endpoint that one more failure would suspend."""
    made = installed(kafka_bootstrap, redis_url, topic_prefix, tmp_path)
    bounds = {"log_plain": ATTEMPTS // 100, "log_eventful": ATTEMPTS // 200}
    return made.model_copy(update={**bounds, "suspend_after": "1s", "suspend_attempts": FAILURES + 1})


def subscribed(settings: Settings) -> None:
    topic = settings.topic_prefix + "subscriptions"
    made = [subscription(id_, url=plain.url, created_at_ms=0, updated_at_ms=0, status_since_ms=0) for id_ in IDS]
    write_now(settings, [NewRecord(topic=topic, key=each.id.encode(), value=record.encode(each)) for each in made])


def attempted(settings: Settings) -> dict[str, int]:
    """One in five failed; of one webhook the last ten. Returns when the last attempt of each was made."""
    servers = {"bootstrap.servers": settings.kafka["bootstrap.servers"]}
    producer = Producer({**servers, "enable.idempotence": True, "partitioner": "murmur2_random"})
    now_ms = time.time_ns() // 1_000_000
    last_ms: dict[str, int] = {}
    for number in range(ATTEMPTS):
        id_ = IDS[number % len(IDS)]
        failed = number // len(IDS) % 5 == 0
        if id_ == FAILING:
            failed = number >= ATTEMPTS - FAILURES * len(IDS)
        last_ms[id_] = now_ms - 10 * (ATTEMPTS - number)
        attempt = replace(
            plain,
            delivery_id=f"{number:032x}",
            event_id=f"e{number}",
            subscription_id=id_,
            at_ms=last_ms[id_],
            status=503 if failed else 200,
            outcome="dead" if failed else "delivered",
            reason="exhausted" if failed else None,
        )
        producer.produce(settings.topic_prefix + "attempts", encode_attempt(attempt), id_.encode())
        if number % 1_000 == 0:
            producer.poll(0)
    assert producer.flush(30) == 0
    return last_ms


def first_page(settings: Settings) -> list[str]:
    with closing(LogReader(settings)) as reader:
        page = reader.page(View.DELIVERIES, tenant="acme", brand="hookline", query=Query(), limit=PAGE)
        return [row.entry.delivery for row in page.rows]


def agrees(settings: Settings, made: list[Made]) -> bool:
    """Whether the index lists what its bounds let stay, each once, and nothing else."""
    return listed(settings, made).agrees


def health(settings: Settings) -> dict[str, Health]:
    with closing(HealthReader(settings)) as reader:
        return reader.read(IDS)


def folded(settings: Settings) -> dict[str, int]:
    """When the last attempt was made that the figures of each webhook have."""
    return {id_: each.last_attempt_at_ms for id_, each in health(settings).items()}


@pytest.mark.timeout(400)
def test_all_of_it_comes_back_the_newest_first_and_nobody_is_suspended(settings: Settings, redis_url: str) -> None:
    subscribed(settings)
    last_ms = attempted(settings)
    made = made_of(settings)
    assert len(made) == ATTEMPTS
    with running(settings):
        eventually(partial(folded, settings), last_ms, within_s=ALL_WITHIN_S)
        eventually(partial(agrees, settings, made), wanted=True, within_s=ALL_WITHIN_S)
        page, figures = first_page(settings), health(settings)
        assert len(page) == PAGE
        assert figures[FAILING].consecutive_failures == FAILURES
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        eventually(partial(first_page, settings), page, within_s=FIRST_PAGES_WITHIN_S)
        eventually(partial(health, settings), figures)
        eventually(partial(agrees, settings, made), wanted=True, within_s=ALL_WITHIN_S)
    kept = subscriptions.read_all(settings).values()
    assert {each.status for each in kept} == {Status.ACTIVE}
