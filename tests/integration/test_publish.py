"""`hookline publish` as a person runs it, on the embedded broker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from consumer.demo.broker import Broker

TOPIC = "events"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker([TOPIC]) as broker:
        yield broker


def command(broker: Broker, *arguments: str, checked: bool = False) -> subprocess.Popen[bytes]:
    """Most of what is published here is no event: it is about the way to the topic."""
    options = () if checked else ("--unchecked",)
    return subprocess.Popen(
        [sys.executable, "-m", "consumer.cli.app", "publish", *arguments, *options],
        env={**os.environ, "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def publish(broker: Broker, *arguments: str, data: bytes = b"", checked: bool = False) -> tuple[int, str, str]:
    with command(broker, *arguments, checked=checked) as process:
        out, err = process.communicate(data, timeout=60)
    return process.returncode, out.decode(), err.decode()


def await_records(broker: Broker, topic: str) -> None:
    """Until the topic has any: only then is the command known to be in the middle of its work."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "reader"})
    until = time.monotonic() + 30
    while not any(_end(consumer, TopicPartition(topic, number)) for number in range(4)):
        assert time.monotonic() < until
        time.sleep(0.05)
    consumer.close()


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    """Where it ends; a topic that nobody has asked for yet is made by being asked for."""
    if partition.partition not in consumer.list_topics(partition.topic, timeout=10).topics[partition.topic].partitions:
        return 0
    return consumer.get_watermark_offsets(partition, timeout=10)[1]


def on_topic(broker: Broker, topic: str) -> list[Message]:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "reader"})
    partitions = [TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(4)]
    total = sum(consumer.get_watermark_offsets(partition, timeout=10)[1] for partition in partitions)
    consumer.assign(partitions)
    messages: list[Message] = []
    until = time.monotonic() + 20
    while len(messages) < total and time.monotonic() < until:
        messages += consumer.consume(total - len(messages), 0.5)
    consumer.close()
    assert len(messages) == total
    return messages


def numbers(messages: list[Message]) -> list[int]:
    return sorted(json.loads(message.value() or b"")["n"] for message in messages)


def test_json_lines_arrive_byte_for_byte_with_key_and_headers(broker: Broker, tmp_path: Path) -> None:
    lines = [json.dumps({"tenant": f"t{n % 7}", "n": n, "é": "ü"}, ensure_ascii=False) for n in range(500)]
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")

    code, out, err = publish(broker, "lines", str(path), "--header", "a: b: c", "--header=d:", "--json")

    messages = on_topic(broker, "lines")
    assert (code, err) == (0, "")
    summary = json.loads(out)
    assert (summary["topic"], summary["published"]) == ("lines", 500)
    assert summary["bytes"] == sum(len(line.encode()) for line in lines)
    assert sorted(message.value() or b"" for message in messages) == sorted(line.encode() for line in lines)
    assert all(message.headers() == [("a", b"b: c"), ("d", b"")] for message in messages)
    assert all(message.key() == json.loads(message.value() or b"")["tenant"].encode() for message in messages)


def test_a_bad_line_exits_65_and_says_what_was_published(broker: Broker) -> None:
    code, _, err = publish(broker, "bad", "-", data=b'{"n":1}\n{"n":2}\nnope\n{"n":4}\n')

    assert code == 65
    assert err.startswith("hookline: line 3 is not JSON")
    assert err.endswith("published before it: 2\n")
    assert numbers(on_topic(broker, "bad")) == [1, 2]


def test_what_is_no_event_is_refused_and_whose_events_go_to_nobody_is_told(broker: Broker) -> None:
    event = b'{"type":"order.paid","tenant":"acme","data":{},"n":1}\n'
    code, out, err = publish(broker, "checked", "-", "--json", data=event + b'{"n":2}\n', checked=True)

    assert (code, out) == (65, "")
    assert "line 2 is no event (missing_field): " in json.loads(err)["error"]["message"]
    code, out, err = publish(broker, "checked", "-", data=event, checked=True)
    assert code == 0
    assert "whether webhooks want these events is not known: " in err  # there is no Redis here
    assert len(on_topic(broker, "checked")) == 2


def test_an_interrupted_file_goes_on_where_it_stopped(broker: Broker, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f'{{"n":{n}}}\n' for n in range(1, 1_001)))
    with command(broker, "halved", str(path), "--rate", "100") as process:
        await_records(broker, "halved")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    said = err.decode().strip()
    assert "interrupted after line" in said
    skip = said.rpartition("--skip ")[2]
    assert 1 <= int(skip) < 1_000

    code, _, _ = publish(broker, "halved", str(path), "--skip", skip)

    assert code == 0
    assert numbers(on_topic(broker, "halved")) == list(range(1, 1_001))


def test_an_interrupt_while_standard_input_is_silent_is_heard(broker: Broker) -> None:
    with command(broker, "silent", "-") as process:
        assert process.stdin is not None
        process.stdin.write(b'{"n":1}\n')
        process.stdin.flush()
        await_records(broker, "silent")
        process.send_signal(signal.SIGTERM)

        assert process.wait(10) == 130
        process.stdin.close()
    assert numbers(on_topic(broker, "silent")) == [1]


def test_the_rate_is_kept(broker: Broker) -> None:
    code, out, _ = publish(broker, TOPIC, "-", "--rate", "20", "--json", data=b"{}\n" * 21)

    assert code == 0
    assert json.loads(out)["seconds"] >= 0.99


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((TOPIC, "/nowhere/at-all"), 65, "/nowhere/at-all: No such file"),
        ((TOPIC, "-", "--header", "nonsense"), 64, "--header 'nonsense'"),
        ((TOPIC, "-", "--rate", "0"), 64, "--rate"),
        ((TOPIC,), 64, "FILE"),
    ],
)
def test_what_a_person_can_mend_is_one_line(broker: Broker, arguments: tuple[str, ...], code: int, words: str) -> None:
    exit_code, out, err = publish(broker, *arguments)

    assert (exit_code, out) == (code, "")
    assert words in err
    assert err.count("\n") == 1
