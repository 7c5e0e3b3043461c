"""The role `log` in a thread of the test, on real Kafka and Redis, and what its tests wait for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from consumer.kafka.topics import admin_client, create
from consumer.roles import log
from consumer.settings import Settings

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
    stop = threading.Event()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            log.main(settings, stop, slot)
        except BaseException as error:  # noqa: BLE001 # raised again below, in the test
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        began_s = time.monotonic()
        stop.set()
        thread.join(30)
        took_s = time.monotonic() - began_s
    assert not thread.is_alive()
    assert raised == []
    assert took_s < ends_within_s


def eventually(look: Callable[[], object], wanted: object, within_s: float = 20.0) -> float:
    """Wait until it is so; how many seconds that took."""
    began_s = time.monotonic()
    while (found := look()) != wanted:
        assert time.monotonic() - began_s < within_s, found
        time.sleep(0.02)
    return time.monotonic() - began_s
