"""The servers that tests rely on: real answers, isolation between tests, and survival of what tests do to them."""

import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from redis import Redis as Client
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.services.kafka import Kafka
from tests.services.redis import Redis
from tests.services.server import listening
from tests.services.topics import MakeTopics, create_topics


def produced_and_consumed(bootstrap: str, topic: str, group: str, value: bytes) -> bytes | None:
    """Write one record and read the topic's first."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    producer.produce(topic, value)
    assert producer.flush(20) == 0
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        message = consumer.poll(20)
        assert message is not None
        assert message.error() is None
        return message.value()
    finally:
        consumer.close()


def test_a_record_goes_through_the_shared_broker(
    kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics
) -> None:
    topic = f"{topic_prefix}events"
    make_topics({topic: 1})
    assert produced_and_consumed(kafka_bootstrap, topic, f"{topic_prefix}readers", b"hello") == b"hello"


@pytest.mark.parametrize("turn", [1, 2])
def test_the_shared_redis_is_empty_at_every_start(redis_url: str, turn: int) -> None:
    with Client.from_url(redis_url) as client:
        assert client.ping()
        assert client.dbsize() == 0
        client.set("left", "behind")
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_the_registry_keeps_a_schema_and_demands_compatibility(registry_url: str, topic_prefix: str) -> None:
    schema = '{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}'
    with SchemaRegistryClient({"url": registry_url}) as client:
        number = client.register_schema(f"{topic_prefix}orders-value", Schema(schema, "AVRO"))
        assert client.get_schema(number).schema_str == schema
        assert client.get_compatibility() == "BACKWARD"


def test_a_private_broker_keeps_its_port_and_records_across_a_kill(private_kafka: Kafka, topic_prefix: str) -> None:
    bootstrap, topic = private_kafka.bootstrap, f"{topic_prefix}events"
    create_topics(bootstrap, {topic: 1})
    assert produced_and_consumed(bootstrap, topic, f"{topic_prefix}first", b"before") == b"before"
    private_kafka.kill()
    private_kafka.restart()
    assert private_kafka.bootstrap == bootstrap
    assert produced_and_consumed(bootstrap, topic, f"{topic_prefix}second", b"after") == b"before"


def test_a_private_redis_can_be_paused_killed_and_restarted(private_redis: Redis) -> None:
    with Client.from_url(private_redis.url(), socket_timeout=0.2, retry=None) as client:
        assert client.ping()
        private_redis.pause()
        with pytest.raises(RedisTimeoutError):
            client.ping()
        private_redis.resume()
        client.set("left", "behind")
        private_redis.kill()
        with pytest.raises(RedisConnectionError):
            client.ping()
        began = time.monotonic()
        private_redis.restart()
        assert time.monotonic() - began < 5
        assert client.dbsize() == 0


STARTER = """
import pathlib, sys, time
from tests.services.redis import Redis
print(Redis.start(pathlib.Path(sys.argv[1])).url(), flush=True)
time.sleep(600)
"""


def test_a_server_dies_with_its_starter_even_by_sigkill(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        port = urlsplit(starter.stdout.readline()).port
        assert port is not None
        assert listening(port)
        starter.kill()
    deadline = time.monotonic() + 10
    while listening(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listening(port)
