"""The role `log` in a thread of the test, on real Kafka and Redis, and what its tests wait for."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from consumer.kafka.topics import admin_client, create
from consumer.roles import log
from consumer.settings import Settings
from tests import role_thread

IDS = [f"wh_{number}" for number in range(20)]


def installed(kafka_bootstrap: str, redis_url: str, topic_prefix: str, folder: Path) -> Settings:
    """The settings of an installation whose topics are there."""
    made = Settings(
        topic_prefix=topic_prefix,
        partitions=3,
        redis_url=SecretStr(redis_url),
        kafka={"bootstrap.servers": kafka_bootstrap},
        state_dir=folder,
    )
    create(admin_client(made), made)
    return made


@contextmanager
def running(settings: Settings, slot: int = 0, *, ends_within_s: float = 30.0) -> Iterator[None]:
    """The role at work; it ends in time, and raised nothing."""
    with role_thread.running(log.main, settings, slot, ends_within_s=ends_within_s):
        yield


def eventually(look: Callable[[], object], wanted: object, within_s: float = 20.0) -> float:
    """Wait until it is so; how many seconds that took."""
    began_s = time.monotonic()
    while (found := look()) != wanted:
        assert time.monotonic() - began_s < within_s, found
        time.sleep(0.02)
    return time.monotonic() - began_s
