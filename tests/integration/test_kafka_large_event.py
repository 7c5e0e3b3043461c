"""An event larger than its bytes on the wire, on topics as they are created: nothing stops, its stub tells of it."""

import base64
import random
import threading
import time
from pathlib import Path

from confluent_kafka import Producer
from pydantic import SecretStr

from consumer.events.event import Record
from consumer.kafka.reading import read_to_end
from consumer.kafka.topic_specs import BROKER_MAX_BYTES
from consumer.kafka.topics import Topics, admin_client, create
from consumer.roles import deliver
from consumer.settings import Settings
from tests.services.topics import MakeTopics


def test_an_event_that_only_its_producer_could_press_into_a_batch(
    kafka_bootstrap: str, redis_url: str, topic_prefix: str, make_topics: MakeTopics, tmp_path: Path
) -> None:
    """1.33 MB of base64: zstd makes 1 MB of it, and our lz4 nothing at all."""
    events = topic_prefix + "orders"
    make_topics({events: 1}, {"max.message.bytes": str(BROKER_MAX_BYTES)})  # a topic's default
    settings = Settings(
        start="earliest",
        kafka={"bootstrap.servers": kafka_bootstrap},
        redis_url=redis_url,
        topic_prefix=topic_prefix,
        event_topics=(events,),
        partitions=1,
        replication_factor=1,
        state_dir=tmp_path,
        encryption_keys=(SecretStr(f"k1:{base64.b64encode(bytes(32)).decode()}"),),
    )
    create(admin_client(settings), settings)
    text = base64.b64encode(random.Random(1).randbytes(998_000)).decode()
    producer = Producer(
        {"bootstrap.servers": kafka_bootstrap, "compression.type": "zstd", "message.max.bytes": 2_000_000}
    )
    producer.produce(events, f'{{"type":"a","tenant":"t","data":"{text}"}}'.encode())
    assert producer.flush(10) == 0
    stop = threading.Event()
    ended: list[BaseException] = []

    def run() -> None:
        try:
            deliver.main(settings, stop, 0)
        except BaseException as error:  # noqa: BLE001 # whatever ends the role fails the test
            ended.append(error)

    role = threading.Thread(target=run)
    role.start()
    until_s = time.monotonic() + 20
    found: list[Record] = []
    while not found and role.is_alive() and time.monotonic() < until_s:
        found = list(read_to_end(settings, Topics.of(settings).poison))
        time.sleep(0.05)
    stop.set()
    role.join()
    assert ended == []
    [stub] = found
    headers = dict(stub.headers)
    assert stub.value is None
    assert headers["kafka_dlt-original-topic"] == events.encode()
    assert headers["kafka_dlt-original-offset"] == bytes(8)
    assert headers["hookline-reason"] == b"too_large"
    assert int(headers["hookline-left-out-bytes"] or b"0") > 1_330_000
