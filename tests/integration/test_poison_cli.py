"""Poison listed, shown and written to its event topic again on a real broker: the events and their marks together."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace

from consumer.configuration import load
from consumer.events.event import Poison, Record
from consumer.kafka.provenance import poison_headers
from consumer.kafka.reading import read_to_end
from consumer.kafka.republished import read_republished
from consumer.kafka.topics import Topics
from consumer.kafka.transactions import Transactions
from consumer.settings import Settings
from tests.commands import Said, call
from tests.services.topics import MakeTopics

pytestmark = pytest.mark.usefixtures("elsewhere")

HOSTILE = b"\x1b[2J\xff{\n\xe2\x80\xae"


@pytest.fixture
def orders(topic_prefix: str) -> str:
    return topic_prefix + "orders"


@pytest.fixture(autouse=True)
def settings(
    kafka_bootstrap: str, topic_prefix: str, orders: str, make_topics: MakeTopics, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("HOOKLINE_TOPIC_PREFIX", topic_prefix + "our.")
    make_topics({topic_prefix + "our.jobs": 2}, {"cleanup.policy": "compact"})
    make_topics({topic_prefix + "our.poison": 2, orders: 3, topic_prefix + "mended": 1})
    return load()


@pytest.fixture
def hookline(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said("poison", capsys)


@pytest.fixture
def producer(kafka_bootstrap: str) -> Iterator[Producer]:
    made = Producer({"bootstrap.servers": kafka_bootstrap, "enable.idempotence": True})
    yield made
    made.flush()


def source(topic: str, offset: int, value: bytes | None = HOSTILE) -> Record:
    return Record(
        topic=topic,
        partition=2,
        offset=offset,
        key=b"acme",
        value=value,
        headers=(("trace\x1b", b"\x1b[31m"), ("none", None)),
        timestamp_ms=1_700_000_000_000,
    )


def spoil(settings: Settings, producer: Producer, records: Sequence[Record], *, left_out_bytes: int = 0) -> None:
    """As `deliver` writes it."""
    for record in records:
        headers = poison_headers(
            record, Poison(reason="undecodable", detail="write JSON"), left_out_bytes=left_out_bytes
        )
        producer.produce(Topics.of(settings).poison, record.value, record.key, partition=0, headers=list(headers))
    producer.flush()


def written(settings: Settings, topic: str) -> list[Record]:
    return list(read_to_end(settings, topic))


def summary(told: Sequence[dict[str, object]]) -> tuple[object, object, object]:
    return told[0]["matched"], told[0]["replayed"], told[0]["skipped"]


def test_hostile_bytes_are_listed_and_shown_and_command_no_terminal(
    hookline: Said, settings: Settings, orders: str, producer: Producer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hookline("list") == []
    spoil(settings, producer, [source(orders, 17), source(orders, 17), source(orders, 18, b"[")])
    found = hookline("list", "--reason", "undecodable", "--topic", orders, "--since", "1h")
    assert [(each["source"], each["reason"], each["bytes"]) for each in found] == [
        (f"{orders}-2-17", "undecodable", len(HOSTILE)),
        (f"{orders}-2-18", "undecodable", 1),
    ]
    assert hookline("list", "--until", "1h") == hookline("list", "--topic", "other") == []
    [by_source] = hookline("show", f"{orders}-2-17")
    [by_place] = hookline("show", str(found[0]["place"]))
    assert by_source == by_place
    assert (by_source["value_encoding"], by_source["key"]) == ("base64", "acme")
    assert by_source["headers"] == [
        {"name": "trace\x1b", "value": "\x1b[31m", "encoding": "utf-8"},
        {"name": "none", "value": None, "encoding": None},
    ]
    assert hookline("show", f"{orders}-2-99", code=os.EX_DATAERR) == []
    for command in (["list"], ["show", f"{orders}-2-17"]):
        assert call(["poison", *command]) == os.EX_OK
        out = capsys.readouterr().out
        assert "undecodable" in out
        assert all(character.isprintable() for character in out.replace("\n", ""))


def test_raw_writes_the_bytes_and_nothing_else(settings: Settings, orders: str, producer: Producer) -> None:
    spoil(settings, producer, [source(orders, 17)])
    command = [sys.executable, "-m", "consumer.cli.app", "poison", "show", f"{orders}-2-17", "--raw"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (HOSTILE, b"")


def test_each_goes_back_as_it_was_once_and_again_when_asked(
    hookline: Said, settings: Settings, orders: str, producer: Producer
) -> None:
    spoil(settings, producer, [source(orders, 17), source(orders, 17), source(orders, 18, b"[")])
    assert summary(hookline("replay", "--all", "--dry-run")) == (2, 2, {})
    assert written(settings, orders) == []
    assert summary(hookline("replay", f"{orders}-2-17")) == (1, 1, {})
    [event] = written(settings, orders)
    was = source(orders, 17)
    assert (event.partition, event.key, event.value, event.headers) == (2, was.key, was.value, was.headers)
    assert summary(hookline("replay", "--topic", orders, "--yes")) == (2, 1, {"already_replayed": 1})
    assert summary(hookline("replay", "--all", "--yes")) == (2, 0, {"already_replayed": 2})
    assert summary(hookline("replay", f"{orders}-2-17", "--again")) == (1, 1, {})
    assert [each.value for each in written(settings, orders)] == [HOSTILE, b"[", HOSTILE]
    assert sorted(each.times for each in read_republished(settings).values()) == [1, 2]
    hookline("replay", f"{orders}-2-17", f"{orders}-2-99", code=os.EX_DATAERR)
    assert f"there is no poison record {orders}-2-99" in hookline.err


def test_a_mended_value_goes_to_another_topic(
    hookline: Said, settings: Settings, orders: str, producer: Producer, tmp_path: Path
) -> None:
    spoil(settings, producer, [source(orders, 17)])
    (tmp_path / "mended.json").write_bytes(b'{"type":"a"}')
    mended = orders.replace("orders", "mended")
    hookline("replay", f"{orders}-2-17", "--to", Topics.of(settings).jobs, code=os.EX_USAGE)
    hookline("replay", f"{orders}-2-17", "--to", orders + "-missing", code=os.EX_CONFIG)
    assert summary(hookline("replay", f"{orders}-2-17", "--to", mended, "--value", "mended.json")) == (1, 1, {})
    [event] = written(settings, mended)
    assert (event.key, event.value, event.headers) == (b"acme", b'{"type":"a"}', source(orders, 17).headers)
    assert written(settings, orders) == []


def test_of_a_stub_the_original_is_read_from_its_topic_or_said_to_be_gone(
    hookline: Said, settings: Settings, orders: str, producer: Producer
) -> None:
    large = b"x" * 300_000
    producer.produce(orders, large, b"acme", partition=2, headers=[("a", b"1")], timestamp=1_700_000_000_000)
    producer.flush()
    stubs = [source(orders, 0, None), source(orders, 99, None), source(orders + ".gone", 0, None)]
    spoil(settings, producer, [replace(each, headers=()) for each in stubs], left_out_bytes=len(large))
    [shown] = hookline("show", f"{orders}-2-0")
    assert shown["value"] == large.decode()
    assert call(["poison", "show", f"{orders}-2-99", "--raw"]) == os.EX_DATAERR
    told = summary(hookline("replay", "--all", "--yes"))
    assert told == (3, 1, {"topic_missing": 1, "value_left_out": 1})
    assert f"{orders}-2-99 was too large for the poison topic" in hookline.err
    assert [(each.value, each.headers) for each in written(settings, orders)] == [(large, (("a", b"1"),))] * 2


def test_a_writer_that_died_left_nothing_and_a_second_one_takes_over(
    hookline: Said, settings: Settings, orders: str, producer: Producer
) -> None:
    spoil(settings, producer, [source(orders, 17)])
    torn = Transactions.open(settings, "poison")._producer
    torn.begin_transaction()
    torn.produce(orders, b"half", partition=2)
    torn.produce(Topics.of(settings).jobs, b"half", b"poison:x")
    torn.flush(10)
    assert summary(hookline("replay", "--all", "--yes")) == (1, 1, {})
    assert [each.value for each in written(settings, orders)] == [HOSTILE]
    assert len(read_republished(settings)) == 1


def test_a_topic_that_nobody_reads_is_said(
    hookline: Said, settings: Settings, orders: str, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_EVENT_TOPICS", "other")
    spoil(settings, producer, [source(orders, 17)])
    hookline("replay", f"{orders}-2-17")
    assert f"HOOKLINE_EVENT_TOPICS does not choose {orders}" in hookline.err


def test_on_a_terminal_it_asks_before_what_a_filter_chose(
    settings: Settings,
    orders: str,
    producer: Producer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(settings, producer, [source(orders, 17)])
    for answer, replayed in (("n\n", 0), ("\n", 0), ("yes\n", 1)):
        monkeypatch.setattr(sys, "stdin", _Terminal(answer))
        assert call(["poison", "replay", "--all"]) == os.EX_OK
        said = capsys.readouterr().err
        assert f"1 poison record would be written to {orders} (1)" in said
        assert len(written(settings, orders)) == replayed


class _Terminal:
    def __init__(self, answer: str) -> None:
        self._answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self._answer
