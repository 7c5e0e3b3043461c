"""Redis away, full or holding something else, as its user meets it: said once, waited for, and nothing is lost."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
import redis

from tests.acceptance.deadline import until
from tests.acceptance.hookline import Hookline
from tests.infrastructure import FEW_LINES, Work, lines, working
from tests.services.redis import Redis

AWAY_S = 6.0


@contextmanager
def delivering(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bootstrap: str, server: Redis, prefix: str
) -> Iterator[tuple[Work, Hookline]]:
    """Hookline runs and has delivered."""
    with (
        working(folder, monkeypatch, bootstrap=bootstrap, redis_url=server.url(), prefix=prefix) as work,
        work.stage.running("--processes", "1") as running,
    ):
        work.publish(20)
        work.until_accepted(20, running)
        yield work, running


def test_away_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kafka_bootstrap: str, private_redis: Redis, topic_prefix: str
) -> None:
    with working(
        tmp_path, monkeypatch, bootstrap=kafka_bootstrap, redis_url=private_redis.url(), prefix=topic_prefix
    ) as work:
        work.publish(20)
        private_redis.kill()
        with work.stage.running("--processes", "1") as running:
            running.until_said("redis unreachable", role="projection")
            running.assigned("deliver")
            time.sleep(AWAY_S)
            assert len(running.said("redis unreachable", role="projection")) == 1
            assert len(running.said("webhooks unreadable", role="deliver")) == 1
            assert work.accepted == 0
            assert lines(running) < FEW_LINES, running.log
            private_redis.restart()
            work.until_accepted(20, running)
            work.ends_well(running)


def test_keys_of_another_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kafka_bootstrap: str, private_redis: Redis, topic_prefix: str
) -> None:
    with (
        delivering(tmp_path, monkeypatch, kafka_bootstrap, private_redis, topic_prefix) as (work, running),
        redis.Redis.from_url(private_redis.url()) as client,
    ):
        before = lines(running)
        for key in list(cast("Iterator[bytes]", client.scan_iter(count=1_000))):
            client.delete(key)
            client.set(key, "somebody else's")
        work.publish(20)
        time.sleep(AWAY_S)
        assert lines(running) - before < FEW_LINES, running.log
        assert running.said("process ended") == []
        work.ends_well(running)
        assert running.said("rebuilding a part of the cache that was lost or changed"), running.log


def test_out_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kafka_bootstrap: str, private_redis: Redis, topic_prefix: str
) -> None:
    with (
        delivering(tmp_path, monkeypatch, kafka_bootstrap, private_redis, topic_prefix) as (work, running),
        redis.Redis.from_url(private_redis.url()) as client,
    ):
        before = lines(running)
        client.config_set("maxmemory", 1)
        running.until_said("redis unreachable", role="projection")
        time.sleep(AWAY_S)
        work.publish(20)
        work.until_accepted(40, running)  # a known tenant goes on
        [said] = running.said("redis unreachable", role="projection")
        assert str(said["error"]).startswith("OutOfMemoryError: command not allowed"), said
        assert lines(running) - before < FEW_LINES, running.log
        client.config_set("maxmemory", 0)
        until(
            lambda: running.said("over: redis unreachable", role="projection"),
            within_s=10,
            missing=lambda: running.tail,
        )
        work.ends_well(running)
