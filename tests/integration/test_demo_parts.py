"""The embedded broker, cache and receivers, each spoken to from another process or over its socket."""

import http.client
import subprocess
import sys
from urllib.parse import urlsplit

from confluent_kafka import Producer

from consumer.demo.broker import Broker
from consumer.demo.cache import Cache
from consumer.demo.receiver import Receiver
from consumer.demo.scenario import Receipt

SUBSCRIBER = """
import sys
from confluent_kafka import Consumer
consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": "g", "auto.offset.reset": "earliest"})
consumer.subscribe(["there"])
while (message := consumer.poll(0.2)) is None or message.error():
    pass
print(message.value().decode())
consumer.close()
"""
SCRIPT = """
import sys
import redis
with redis.Redis.from_url(sys.argv[1]) as client:
    script = client.register_script("redis.call('SET', KEYS[1], ARGV[1]); return redis.call('GET', KEYS[1])")
    connection = client.client_id()
    print(script(keys=["{b}:1"], args=[b"\\x00\\xff"]), client.client_id() == connection)
"""


def in_another_process(code: str, argument: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, argument], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_group_in_another_process_reads_from_the_embedded_broker() -> None:
    with Broker(["there"]) as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "enable.idempotence": True})
        producer.produce("there", b"an event")
        assert producer.flush(10) == 0

        assert in_another_process(SUBSCRIBER, broker.bootstrap_servers) == "an event"


def test_lua_runs_in_the_embedded_cache_from_another_process() -> None:
    with Cache() as cache:
        assert in_another_process(SCRIPT, cache.url) == r"b'\x00\xff' True"


def test_a_receiver_reports_what_it_saw_and_answers_by_its_conduct() -> None:
    with Receiver() as receiver:
        receiver.knows("crm", lambda headers, *_: headers["x-proof"] == "yes")
        statuses = []
        for name, proof, body in [
            ("crm", "yes", '{"data":{"id":"evt_1"}}'),
            ("crm", "no", "not JSON"),
            ("ledger", "", '{"data":{"id":"evt_1"}}'),
            ("warehouse", "", '{"data":{"id":"evt_1"}}'),
        ]:
            url = urlsplit(receiver.url(name))
            connection = http.client.HTTPConnection(url.netloc, timeout=10)
            connection.request("POST", url.path, body, {"X-Proof": proof})
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
            connection.close()

        assert statuses == [204, 204, 500, 500]
        assert [receiver.receipts.get(timeout=1) for _ in range(4)] == [
            Receipt(hook="crm", event_id="evt_1", status=204, verified=True),
            Receipt(hook="crm", event_id="", status=204, verified=False),
            Receipt(hook="ledger", event_id="evt_1", status=500, verified=False),
            Receipt(hook="warehouse", event_id="evt_1", status=500, verified=False),
        ]
